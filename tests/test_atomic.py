"""A site is replaced whole or not at all."""

import ctypes
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


def test_so_it_does_where_the_system_exchanges_no_names(site, monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    atomic.publish(built(site), site)
    assert content(site) == {"page": "new"}
    assert beside(site) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems' names for it are not known here")
def test_the_names_are_exchanged_in_one_step_where_the_system_can(site, monkeypatch):
    monkeypatch.setattr(atomic.Path, "rename", lambda *_: pytest.fail("more than one step"))
    atomic.publish(built(site), site)
    assert content(site) == {"page": "new"}


def test_the_first_site_needs_no_last_one(tmp_path):
    atomic.publish(built(tmp_path / "site"), tmp_path / "site")
    assert content(tmp_path / "site") == {"page": "new"}


def test_a_failed_build_leaves_nothing_but_the_last_site(site):
    atomic.discard(built(site))
    assert (content(site), beside(site)) == ({"page": "old"}, [])


def test_what_a_killed_build_left_goes_and_what_another_build_is_writing_stays(site):
    ended = subprocess.Popen(["true"])
    ended.wait()
    for process in (ended.pid, os.getppid(), "notes"):
        (site.parent / f".site.{process}").mkdir()
    building = atomic.begin(site)
    assert sorted(beside(site)) == sorted([building.name, f".site.{os.getppid()}", ".site.notes"])


def test_a_place_where_nothing_can_be_written_is_named(site):
    (site.parent / "file").write_text("")
    with pytest.raises(BookError, match=r"file/site: Not a directory; name a folder"):
        atomic.begin(site.parent / "file/site")
