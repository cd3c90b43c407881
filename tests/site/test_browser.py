"""The browser of these tests: found on PATH, or asked for in one sentence."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = "tests.browser"


def run_with_path(folder: Path) -> tuple[int, str, str]:
    command = [sys.executable, "-m", SCRIPT]
    env = {"PATH": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_a_browser_on_path_is_found_under_any_of_its_names(tmp_path: Path) -> None:
    for name in ("google-chrome", "chromium-browser", "chromium"):  # from the last choice to the first
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert run_with_path(tmp_path) == (0, str(program), "")


def test_without_a_browser_one_line_says_what_to_install(tmp_path: Path) -> None:
    code, printed, complaint = run_with_path(tmp_path)
    assert (code, printed) == (2, "")
    assert "apt-get install chromium" in complaint
    assert "\n" not in complaint


def test_as_root_on_debian_the_browser_is_installed_and_then_found(tmp_path: Path) -> None:
    browser, installer = tmp_path / "chromium", tmp_path / "apt-get"
    installer.write_text(f'#!/bin/sh\nif [ "$1" = install ]; then : > {browser}; /bin/chmod +x {browser}; fi\n')
    installer.chmod(0o755)
    as_root = "import os, runpy, sys; os.geteuid = lambda: 0; runpy.run_module(sys.argv[1], run_name='__main__')"
    command = [sys.executable, "-c", as_root, SCRIPT]
    env = {"PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, str(browser))
