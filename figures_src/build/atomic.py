"""Never half a site: a build goes into a folder of its own, which takes the site's place once it is whole.

A build that fails leaves the last good site. So does one that is killed, but between the two renames that put the new
site in its place: then the next build begins by putting the last one back. Two builds at once do not meet.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from figures_src.errors import BookError


def begin(site: Path) -> Path:
    """Return the new folder in which to build `site`, next to it; what dead builds have left there goes.

    Raises:
        BookError: nothing can be written there.
    """
    try:
        for left in site.parent.glob(f".{site.name}.*"):
            if _is_dead(left.suffix.removeprefix(".")):
                if left == _aside(site, left.suffix) and not site.exists():
                    left.rename(site)
                else:
                    discard(left)
        building = site.parent / f".{site.name}.{os.getpid()}"
        building.mkdir(parents=True)
    except OSError as error:
        raise BookError(f"the site cannot be built in {site}: {error.strerror}; name a folder to write in") from None
    return building


def publish(building: Path, site: Path) -> None:
    """Let what was built take the site's place; the site that was there before goes."""
    aside = _aside(site, building.suffix)
    while building.exists():
        with suppress(FileNotFoundError):  # there was none, or another build has just put it aside
            site.rename(aside)
        try:
            building.rename(site)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        # If another build has put its site there between the two renames, that one goes aside too.
        discard(aside)


def discard(folder: Path) -> None:
    """Remove a folder, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def _aside(site: Path, process: str) -> Path:
    """Return where the last site is while the new one is put in its place by a process, such as `.123`."""
    return site.parent / f".{site.name}.old{process}"


def _is_dead(process: str) -> bool:
    """Return whether no other process of that number runs; what is not a number is none of ours, and left alone."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (ValueError, PermissionError):
        return False
    return int(process) == os.getpid()
