"""The Chromium that prints the book, and in which the tests look at the site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from figures_src.errors import BookError

NAMES = ("chromium", "chromium-browser", "google-chrome")
ADVICE = (
    f"No browser: none of {', '.join(NAMES)} is on PATH. "
    "Install Chromium, on Debian with `apt-get install chromium` as root, and run this again."
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> Path | None:
    """Return the first of NAMES on PATH, or None."""
    return next((Path(path) for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the Chromium that was found, once a process. Raises `BookError` that says what to install."""
    found = find_chromium()
    if not found:
        raise BookError(ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
