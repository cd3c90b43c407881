"""Never half a site: a build goes into a folder of its own, which takes the site's place once it is whole.

So a build that fails, or is killed at any moment, leaves the last good site, and two builds at once do not meet.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from figures_src.errors import BookError

_RENAME_EXCHANGE, _FROM_HERE = 2, -100  # linux/fs.h and fcntl.h


def begin(site: Path) -> Path:
    """Return the new folder in which to build `site`, beside it; what dead builds have left there goes.

    Raises:
        BookError: nothing can be written there.
    """
    building = _folder(site, os.getpid())
    try:
        for left in site.parent.glob(_folder(site, "*").name):
            if not _runs(left.suffix.removeprefix(".")):
                shutil.rmtree(left, ignore_errors=True)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
    except OSError as error:
        raise BookError(f"the site cannot be built in {site}: {error.strerror}; name a folder to write in") from None
    return building


def publish(building: Path, site: Path) -> None:
    """Let what was built take the site's place; the site that was there before goes."""
    if site.is_dir():
        _exchange(building, site)
        discard(building)
    else:
        building.rename(site)


def discard(building: Path) -> None:
    """Remove what a build has written."""
    shutil.rmtree(building, ignore_errors=True)


def _folder(site: Path, process: int | str) -> Path:
    return site.parent / f".{site.name}.{process}"


def _runs(process: str) -> bool:
    """Return whether a process of that number runs; what is no number is none of ours, and taken to run."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError):
        return True
    return True


def _exchange(one: Path, other: Path) -> None:
    """Exchange two folders' names: at once where the system can, else by three renames."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)  # Linux has it, and Python does not know it
    if rename and rename(_FROM_HERE, os.fsencode(one), _FROM_HERE, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return
    aside = one.with_name(f"{one.name}.old")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
