"""What a measurement depends on, where it is kept, and what happens when there is none."""

import json
import subprocess
import threading
import time

import pytest
from pinned import RESULTS, pinned

from kvlab.benchmark import record
from kvlab.benchmark.record import NotMeasuredError, measured, measured_on
from kvlab.errors import KvlabError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of records."""
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path))
    return tmp_path


def test_comments_docstrings_and_blank_lines_change_no_measurement_and_code_does():
    source = "def f(x):\n    return x + 1\n"
    worded = '"""A module."""\n\n\n# Why.\ndef f(x):\n    """Add one."""\n    return x + 1  # here\n'
    assert record.without_words(worded) == record.without_words(source)
    assert record.without_words(source.replace("1", "2")) != record.without_words(source)
    # A string that is no docstring is code.
    assert record.without_words('x = "a"') != record.without_words('x = "b"')


def fresh_key():
    record.current_key.cache_clear()
    try:
        return record.current_key()
    finally:
        record.current_key.cache_clear()


def test_a_record_belongs_to_its_machine_its_libraries_and_the_source_that_runs(monkeypatch, tmp_path):
    for room in ("model", "cache", "benchmark", "accounting"):
        (tmp_path / "kvlab" / room).mkdir(parents=True)
        (tmp_path / "kvlab" / room / "a.py").write_text("x = 1")
    monkeypatch.setattr(record, "ROOT", tmp_path / "kvlab")
    here = {"processor": "one", "numpy": "2", "torch": "2.13"}
    monkeypatch.setattr(record, "machine", lambda: here)
    key = fresh_key()
    assert fresh_key() == key
    for change in ({"processor": "two"}, {"numpy": "3"}):
        monkeypatch.setattr(record, "machine", lambda change=change: here | change)
        assert fresh_key() != key
    # A peer that is installed is measured beside us and does not change us.
    monkeypatch.setattr(record, "machine", lambda: here | {"torch": "3"})
    assert fresh_key() == key
    (tmp_path / "kvlab/accounting/a.py").write_text("x = 2")
    assert fresh_key() == key
    for room in ("model", "cache", "benchmark"):
        file = tmp_path / "kvlab" / room / "a.py"
        file.write_text("x = 2")
        assert fresh_key() != key
        file.write_text("x = 1  # said")
        assert fresh_key() == key


def test_what_is_kept_is_found_and_is_not_stale():
    assert record.find() is None
    record.keep(pinned())
    assert record.find() == pinned()
    assert not record.find().stale


def test_a_record_of_another_source_is_found_where_there_is_no_current_one_and_is_stale():
    record.keep(pinned(key="another"))
    assert record.find().key == "another"
    assert record.find().stale
    record.keep(pinned())
    assert not record.find().stale


def test_the_latest_of_several_stale_records_is_found():
    for key, taken in (("first", "2026-01-01"), ("last", "2026-03-01"), ("middle", "2026-02-01")):
        record.keep(pinned(key=key, taken=taken))
    assert record.find().key == "last"


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"key": "x"}', "\x00", '{"key":1,"taken":2,"quick":3,"machine":4,"results":5}']
)
def test_a_damaged_record_is_as_good_as_none(folder, damage):
    (folder / f"{record.current_key()}.json").write_text(damage)
    assert record.find() is None


def test_a_measurement_is_found_by_its_path():
    record.keep(pinned())
    assert measured("bench.mini.decode_us_per_token") == RESULTS["bench"]["mini"]["decode_us_per_token"]
    assert measured("curves.cached.contexts")[0] == 16
    assert measured_on("taken") == "2026-11-22"
    assert measured_on("python").count(".") == 2


@pytest.mark.parametrize("path", ["bench.nothing", "bench.gpt2_small.transformers_over_kvlab", "curves.cached.noise.x"])
def test_what_was_not_measured_is_not_made_up(path):
    record.keep(pinned())
    with pytest.raises(NotMeasuredError) as raised:
        measured(path)
    assert raised.value.reason == "missing"


def test_without_a_record_nothing_was_measured():
    with pytest.raises(NotMeasuredError, match="make measure"):
        measured("bench.mini.decode_us_per_token")
    with pytest.raises(NotMeasuredError, match="make measure"):
        measured_on("taken")


def test_what_was_too_noisy_is_not_said_and_its_neighbours_are():
    noisy = json.loads(json.dumps(RESULTS))
    noisy["bench"]["mini"]["noise"] = record.NOISE_LIMIT + 0.01
    record.keep(pinned(results=noisy))
    with pytest.raises(NotMeasuredError, match="too noisy: 11%") as raised:
        measured("bench.mini.decode_us_per_token")
    assert raised.value.reason == "noisy"
    assert measured("bench.generation.uncached_over_cached") == 9.5


def stand_in(monkeypatch, work, returncode=0, said=""):
    """Put something else in the place of the process that measures; return the list of its commands."""
    commands = []

    def run(command, **_):
        commands.append(command)
        work()
        if returncode:
            raise subprocess.CalledProcessError(returncode, command, said)

    monkeypatch.setattr(record.subprocess, "check_output", run)
    return commands


def test_a_build_measures_where_there_is_no_current_record_and_never_twice(monkeypatch):
    record.keep(pinned(key="stale"))
    commands = stand_in(monkeypatch, lambda: record.keep(pinned()))
    assert record.ensure() is None
    assert record.ensure() is None
    assert len(commands) == 1
    assert commands[0][1:] == ["-m", "kvlab", "measure", "--quick"]


def test_a_measurement_that_fails_is_told_and_is_no_error(monkeypatch):
    stand_in(monkeypatch, lambda: None, returncode=2, said="a warning\nkvlab: the disk is full\n")
    assert record.ensure() == "kvlab: the disk is full"
    stand_in(monkeypatch, lambda: None, returncode=-9)
    assert record.ensure() == "no reason was given"


def test_two_builds_at_once_measure_one_after_the_other_and_only_once(monkeypatch):
    measuring = []

    def work():
        measuring.append(1)
        time.sleep(0.2)
        record.keep(pinned())

    stand_in(monkeypatch, work)
    builds = [threading.Thread(target=record.ensure) for _ in range(2)]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    assert len(measuring) == 1


def test_a_folder_that_cannot_be_written_is_told_and_is_no_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path / "file" / "folder"))
    assert "cannot be" in record.ensure()


def test_a_measurement_beyond_the_limits_of_its_sentence_is_not_said():
    record.keep(pinned())
    path = "curves.cached.held_out_error"
    assert measured(path, at_most=0.0123) == measured(path, at_least=0.0123) == 0.0123
    for limits in ({"at_most": 0.01}, {"at_least": 0.02}):
        with pytest.raises(NotMeasuredError) as raised:
            measured(path, **limits)
        assert raised.value.reason == "contradicted"


def test_a_record_that_cannot_be_kept_is_refused_before_it_is_measured(monkeypatch, tmp_path):
    record.require_place()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path / "file"))
    with pytest.raises(KvlabError, match="KVLAB_RECORDS names another"):
        record.require_place()


def test_a_full_disk_leaves_no_half_of_a_record(monkeypatch, folder):
    monkeypatch.setattr(record.Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        record.keep(pinned())
    assert list(folder.iterdir()) == []


def test_a_user_without_a_home_is_told_what_to_set_and_the_build_goes_on(monkeypatch):
    def homeless(_):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("KVLAB_RECORDS")
    monkeypatch.setattr(record, "user_cache_path", homeless)
    assert "let KVLAB_RECORDS name a folder" in record.ensure()
    with pytest.raises(KvlabError, match="KVLAB_RECORDS"):
        record.folder()
    assert record.find() is None
    with pytest.raises(NotMeasuredError):  # which a page turns into a sentence
        measured("bench.mini.decode_us_per_token")


def test_a_current_record_is_enough_where_nothing_can_be_written(monkeypatch):
    record.keep(pinned())
    monkeypatch.setattr(record, "_alone", lambda: pytest.fail("the lock is not needed"))
    assert record.ensure() is None


def test_a_measurement_is_announced_and_only_then():
    announced = []
    record.keep(pinned())
    record.ensure(lambda: announced.append(1))
    assert announced == []
