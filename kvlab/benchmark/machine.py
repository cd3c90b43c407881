"""On which machine, and with which libraries, something was measured."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

import numpy as np

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
PEERS = ("torch", "transformers")


def machine() -> dict[str, object]:
    """Return processor, cores, and the versions of everything that has a part in a measurement."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": _blas(),
        **{name: version for name in PEERS if (version := _version(name))},
    }


def processor() -> str:
    """Return the processor's name for itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def last_level_cache() -> int | None:
    """Return the bytes of the cache in front of the memory, as Linux reports them; None where it does not."""
    try:
        caches = [
            (int((index / "level").read_text()), (index / "size").read_text().strip())
            for index in CACHES.glob("index*")
        ]
    except (OSError, ValueError):
        return None
    _, written = max(caches, default=(0, ""))
    return int(written[:-1]) * 2**10 if re.fullmatch("[0-9]+K", written) else None


def _blas() -> str:
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
