"""Finds the Chromium that the browser tests drive; run as a script, it also installs one where it may."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = (
    f"No browser for the site's tests: none of {', '.join(NAMES)} is on PATH. "
    "Install Chromium, on Debian with `apt-get install chromium` as root, and run the tests again."
)


def find_chromium() -> Path | None:
    """Return the first of NAMES on PATH, or None."""
    return next((Path(path) for name in NAMES if (path := shutil.which(name))), None)


def may_install() -> bool:
    """Say whether this is root on a Debian-like system, as in a fresh container."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_chromium() -> None:
    """Install Debian's Chromium quietly; a failure shows in what apt-get writes, and in that no browser is found."""
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", "chromium"]):
        subprocess.run(command, env=quiet, stdout=subprocess.DEVNULL, check=False)


def main() -> int:
    """Print the browser's path and return 0, or say what to install and return 2."""
    if not find_chromium() and may_install():
        install_chromium()
    chromium = find_chromium()
    print(chromium or ADVICE, file=sys.stdout if chromium else sys.stderr)
    return 0 if chromium else 2


if __name__ == "__main__":
    sys.exit(main())
