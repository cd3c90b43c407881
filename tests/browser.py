"""Sees to it that there is a browser for the site's tests: run as a module, it installs one where it may."""

import os
import shutil
import subprocess
import sys

from figures_src.pdf.browser import ADVICE, find_chromium


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
