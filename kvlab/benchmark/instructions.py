"""Counting a task's instructions in user mode, where the kernel allows it: a busy machine does not change them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import struct
import sys
from collections.abc import Callable
from typing import Any

# perf_event_open(2): its number, and what it counts. A virtual machine may have no hardware counter.
SYSCALL = {"x86_64": 298, "aarch64": 241}
HARDWARE_INSTRUCTIONS = (0, 1)
RESET, ENABLE, DISABLE = 0x2403, 0x2400, 0x2401
DISABLED_USER_MODE_ONLY = 1 | 1 << 5 | 1 << 6
ATTRIBUTE_BYTES = 64


def count(task: Callable[[], Any], event: tuple[int, int] = HARDWARE_INSTRUCTIONS) -> int | None:
    """Return how many instructions `task` took in user mode, or None where they cannot be counted, or count as none.

    Args:
        task: what to run, once.
        event: type and number of another event of the kernel's.
    """
    counter = _open(event)
    if counter is None:
        return None
    try:
        for request in (RESET, ENABLE):
            fcntl.ioctl(counter, request, 0)
        task()
        fcntl.ioctl(counter, DISABLE, 0)
        return int(struct.unpack("q", os.read(counter, 8))[0]) or None
    except OSError:
        return None
    finally:
        os.close(counter)


def _open(event: tuple[int, int]) -> int | None:
    number = SYSCALL.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return None
    kind, config = event
    attribute = struct.pack("IIQQQQQ", kind, ATTRIBUTE_BYTES, config, 0, 0, 0, DISABLED_USER_MODE_ONLY)
    buffer = ctypes.create_string_buffer(attribute.ljust(ATTRIBUTE_BYTES, b"\0"), ATTRIBUTE_BYTES)
    this_process, any_cpu, no_group, no_flags = 0, -1, -1, 0
    counter = ctypes.CDLL(None).syscall(number, buffer, this_process, any_cpu, no_group, no_flags)
    return counter if counter >= 0 else None
