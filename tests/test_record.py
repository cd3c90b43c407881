"""What a measurement depends on, where it is kept, and what happens when there is none."""

import ast
import json
import subprocess
import sys
import threading
import time

import pytest
from pinned import RESULTS, pinned

from kvlab.benchmark import record
from kvlab.benchmark.record import NotMeasuredError, measured, measured_on
from kvlab.errors import KvlabError
from kvlab.files.sources import without_words


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder of records."""
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path))
    return tmp_path


def test_comments_docstrings_and_blank_lines_change_no_measurement_and_code_does():
    source = "def f(x):\n    return x + 1\n"
    worded = '"""A module."""\n\n\n# Why.\ndef f(x):\n    """Add one."""\n    return x + 1  # here\n'

    def code(text):
        return without_words(ast.parse(text))

    assert code(worded) == code(source)
    assert code(source.replace("1", "2")) != code(source)
    # A string that is no docstring is code.
    assert code('x = "a"') != code('x = "b"')


def fresh_key():
    record.current_key.cache_clear()
    try:
        return record.current_key()
    finally:
        record.current_key.cache_clear()


MODULES = {
    "__init__": "",
    "benchmark/__init__": "",
    "benchmark/bench": "def bench():\n    from kvlab.decoding import generation",
    "benchmark/curves": "from kvlab import model",
    "benchmark/predictions": "from kvlab import accounting",
    "decoding/__init__": "",
    "decoding/generation": "import numpy",
    "model/__init__": "from kvlab.model.ops import add",
    "model/ops": "def add(): ...",
    "accounting/__init__": "",
}
NOT_MEASURED = ("benchmark/predictions", "accounting/__init__")


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A small package in which two modules measure, its checkpoint, and a machine."""
    for name, source in MODULES.items():
        path = tmp_path / "kvlab" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    (tmp_path / "checkpoint").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / "checkpoint" / name).write_text("4")
    monkeypatch.setattr(record, "ROOT", tmp_path / "kvlab")
    monkeypatch.setattr(record, "MINIGPT", tmp_path / "checkpoint")
    monkeypatch.setattr(record, "machine", lambda: {"processor": "one", "numpy": "2", "torch": "2.13"})
    return tmp_path


def test_a_record_belongs_to_its_machine_and_its_libraries(monkeypatch, project):
    key, here = fresh_key(), record.machine()
    assert fresh_key() == key
    for change in ({"processor": "two"}, {"numpy": "3"}):
        monkeypatch.setattr(record, "machine", lambda change=change: here | change)
        assert fresh_key() != key
    # A peer that is installed is measured beside us and does not change us.
    monkeypatch.setattr(record, "machine", lambda: here | {"torch": "3"})
    assert fresh_key() == key


@pytest.mark.parametrize("name", MODULES)
def test_a_record_belongs_to_the_code_of_every_module_that_measuring_runs(project, name):
    key, file = fresh_key(), project / "kvlab" / f"{name}.py"
    file.write_text(f"{MODULES[name]}\nx = 2")
    assert (fresh_key() == key) == (name in NOT_MEASURED)
    file.write_text(f"{MODULES[name]}  # said")
    assert fresh_key() == key


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_record_belongs_to_each_file_of_the_checkpoint(project, name):
    key = fresh_key()
    (project / "checkpoint" / name).write_text("2")
    assert fresh_key() != key


def test_the_key_has_all_that_python_loads_to_measure_and_nothing_of_the_accounting():
    """The modules are read from the sources; the interpreter's own list of loaded modules is the second route."""
    code = set(record._measured_code())
    script = (
        f"import sys, {', '.join(record.MEASURING)}; print(*(m for m in sys.modules if m.split('.')[0] == 'kvlab'))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {"kvlab.decoding.generation", "kvlab.model.ops", *loaded.split()} <= code
    assert not [module for module in code if module.startswith(("kvlab.accounting", "kvlab.benchmark.predictions"))]


def test_a_source_is_parsed_once_and_again_where_what_was_read_is_damaged(project, folder, monkeypatch):
    key = fresh_key()
    with monkeypatch.context() as patched:
        patched.setattr(record.ast, "parse", lambda *_: pytest.fail("parsed again"))
        assert fresh_key() == key
    (folder / record.SOURCES).write_text("cut sho")
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
    path = "bench.mini.torch_over_kvlab"
    assert measured(path, at_most=1.75) == measured(path, at_least=1.75) == 1.75
    for limits in ({"at_most": 1.7}, {"at_least": 1.8}):
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
