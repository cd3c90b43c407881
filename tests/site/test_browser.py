"""The browser of these tests: found on PATH, installed where it may be, or asked for in one sentence."""

import os
from pathlib import Path

import pytest

from tests import browser


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all there is on PATH; nobody is root."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def test_a_browser_on_path_is_found_under_any_of_its_names(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("google-chrome", "chromium-browser", "chromium"):  # from the last choice to the first
        program = path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert browser.main() == 0
        assert capfd.readouterr() == (f"{program}\n", "")


def test_without_a_browser_one_line_says_what_to_install(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert browser.main() == 2
    printed, complaint = capfd.readouterr()
    assert printed == ""
    assert "apt-get install chromium" in complaint
    assert complaint.count("\n") == 1


def test_as_root_on_debian_the_browser_is_installed_and_then_found(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    chromium, installer = path / "chromium", path / "apt-get"
    installer.write_text(f'#!/bin/sh\nif [ "$1" = install ]; then : > {chromium}; /bin/chmod +x {chromium}; fi\n')
    installer.chmod(0o755)
    assert browser.main() == 0
    assert capfd.readouterr().out == f"{chromium}\n"
