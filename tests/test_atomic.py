"""A site is replaced whole or not at all."""

import os
import subprocess
import sys

import pytest

from figures_src.build import atomic
from figures_src.errors import BookError


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/page").write_text("old")
    return tmp_path / "site"


@pytest.fixture
def dead():
    """Return the number of a process that has ended."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def content(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def beside(site):
    return [path.name for path in site.parent.iterdir() if path != site]


def built(site):
    building = atomic.begin(site)
    (building / "page").write_text("new")
    return building


def test_while_a_site_is_built_the_last_one_stands(site):
    building = built(site)
    assert content(site) == {"page": "old"}
    assert building.parent == site.parent  # on one disk, so that it can be renamed


def test_what_was_built_takes_the_place_of_the_last_site_and_nothing_is_left_beside_it(site):
    atomic.publish(built(site), site)
    assert content(site) == {"page": "new"}
    assert beside(site) == []


PUBLISHING = """
import sys
from pathlib import Path
from figures_src.build import atomic
site = Path(sys.argv[1])
for number in range(200):
    building = atomic.begin(site)
    (building / "page").write_text(sys.argv[2])
    atomic.publish(building, site)
"""


def test_two_builds_that_end_at_once_leave_the_site_of_one_of_them(site):
    command = [sys.executable, "-c", PUBLISHING, str(site)]
    both = [subprocess.Popen([*command, name]) for name in ("one", "other")]
    assert [build.wait() for build in both] == [0, 0]
    assert content(site)["page"] in ("one", "other")
    assert beside(site) == []


@pytest.mark.parametrize("process", ["dead", "this"])
def test_a_build_that_was_killed_between_the_two_renames_left_the_last_site_for_the_next_to_put_back(
    site, monkeypatch, process, dead
):
    renamed = []

    def killed_at_the_second(path, target):
        renamed.append(path)
        if len(renamed) == 2:
            raise KeyboardInterrupt
        os.rename(path, target)  # noqa: PTH104 (Path.rename is what is replaced)

    with monkeypatch.context() as patched:
        patched.setattr(atomic.os, "getpid", lambda: dead if process == "dead" else os.getppid())
        patched.setattr(atomic.Path, "rename", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            atomic.publish(built(site), site)
    assert not site.exists()
    if process == "this":  # the number of the process that was killed has come round again
        monkeypatch.setattr(atomic.os, "getpid", os.getppid)
    building = atomic.begin(site)
    assert content(site) == {"page": "old"}
    assert beside(site) == [building.name]


def test_the_first_site_needs_no_last_one(tmp_path):
    atomic.publish(built(tmp_path / "site"), tmp_path / "site")
    assert content(tmp_path / "site") == {"page": "new"}


def test_a_failed_build_leaves_nothing_but_the_last_site(site):
    atomic.discard(built(site))
    assert (content(site), beside(site)) == ({"page": "old"}, [])


def test_what_a_killed_build_left_goes_and_what_another_build_is_writing_stays(site, dead):
    for name in (dead, f"old.{dead}", os.getppid(), f"old.{os.getppid()}", "notes"):
        (site.parent / f".site.{name}").mkdir()
    building = atomic.begin(site)
    assert content(site) == {"page": "old"}
    stays = [building.name, f".site.{os.getppid()}", f".site.old.{os.getppid()}", ".site.notes"]
    assert sorted(beside(site)) == sorted(stays)


def test_a_place_where_nothing_can_be_written_is_named(site):
    (site.parent / "file").write_text("")
    with pytest.raises(BookError, match=r"file/site: Not a directory; name a folder"):
        atomic.begin(site.parent / "file/site")
