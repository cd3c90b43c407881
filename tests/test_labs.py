"""The labs' machinery: files, sandbox, words, progress and commands."""

import ast
import json
import re
import string
import tomllib
import unittest
from datetime import date
from pathlib import Path

import command_line
import pytest

from kvlab import labs
from kvlab.errors import KvlabError
from kvlab.labs import Finding, Result, progress, sandbox
from kvlab.labs.lab import HERE, excerpt, solution_path
from kvlab.labs.words import LANGUAGES, Words, language_of

EN, ES = Words("en"), Words("es")
SHORT = sandbox.Limits(processor_seconds=1, output_bytes=50_000)


# Files


@pytest.mark.parametrize("number", labs.numbers())
@pytest.mark.parametrize("file", [labs.starter, labs.solution])
def test_a_labs_files_are_the_same_program_in_both_languages(number, file):
    def program(language):
        tree = ast.parse(file(number, language))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = ""  # words: docstrings, and what errors say
        return ast.dump(tree)

    assert program("es") == program("en")


@pytest.mark.parametrize("path", [path for kind in ("starters", "solutions") for path in (HERE / kind).glob("*.toml")])
def test_each_translated_line_is_a_line_of_its_program(path):
    program = path.with_name(f"{path.name.split('.')[0]}.py").read_text(encoding="utf-8")
    translated = tomllib.loads(path.read_text(encoding="utf-8"))
    assert translated.keys() <= {line.strip() for line in program.splitlines()}
    assert all(line != spanish for line, spanish in translated.items())


@pytest.mark.parametrize("number", labs.numbers())
@pytest.mark.parametrize("file", [labs.starter, labs.solution])
def test_no_sentence_of_a_program_is_left_in_english(number, file):
    def sentences(language):
        text = file(number, language)
        found = {line.partition("# ")[2].strip() for line in text.splitlines() if "# " in line}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                found |= {line.strip() for line in (ast.get_docstring(node) or "").splitlines()}
        return {sentence for sentence in found if re.search(r"[a-z]+ [a-z]+ [a-z]+", sentence)}

    assert sentences("en") & sentences("es") == set()


def in_scope(text):
    scope = {"__name__": "reader"}
    exec(text, scope)
    return scope


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tests_in_the_starter_of_lab_01_fail_and_pass_with_the_solution(language):
    def failures(scope):
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(scope["TheCache"]).run(result)
        return result.testsRun, len(result.failures) + len(result.errors)

    scope = in_scope(labs.starter("01", language))
    n_tests, failed = failures(scope)
    assert n_tests == failed >= 4
    scope["MyCache"] = in_scope(labs.solution("01", language))["MyCache"]
    assert failures(scope) == (n_tests, 0)


def test_a_starter_is_written_and_over_no_file_unless_told(tmp_path):
    path = tmp_path / "my_cache.py"
    labs.start("01", path, EN)
    assert path.read_text() == labs.starter("01", "en")
    path.write_text("mine")
    with pytest.raises(KvlabError, match=r"my_cache\.py is there already.*--force"):
        labs.start("01", path, EN)
    assert path.read_text() == "mine"
    labs.start("01", path, ES, force=True)
    assert path.read_text() == labs.starter("01", "es")
    assert [one.name for one in tmp_path.iterdir()] == ["my_cache.py"]


def test_a_starter_is_written_into_a_folder_that_is_there_and_as_a_file(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere" / "a.py"):
        with pytest.raises(KvlabError, match="name a file in a folder that is"):
            labs.start("01", path, EN, force=True)


def test_what_is_no_lab_and_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(KvlabError, match="there is no lab 99; there are 01"):
        labs.check("99", tmp_path / "a.py", EN)
    with pytest.raises(KvlabError, match=r"no existe el archivo .*a\.py; kvlab lab start 01 mi_cache\.py"):
        labs.check("01", tmp_path / "a.py", ES)
    (tmp_path / "a.py").write_text("#" * 1_000_001)
    with pytest.raises(KvlabError, match="larger than 1,000,000 bytes"):
        labs.check("01", tmp_path / "a.py", EN)


def test_lines_of_a_program_are_found_by_how_they_begin():
    assert excerpt("a\n    b = 1\n      c\n", "b", 2) == "b = 1\n  c"
    for first in ("x", "b"):
        with pytest.raises(KvlabError, match="lines begin with"):
            excerpt("b\nb\n", first)


def test_an_installed_package_has_the_files_of_the_labs():
    settings = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())["tool"]["setuptools"]
    shipped = {path for pattern in settings["package-data"]["kvlab"] for path in HERE.parent.glob(pattern)}
    for folder in ("starters", "solutions", "words"):
        files = [path for path in (HERE / folder).iterdir() if path.suffix != ".pyc" and path.is_file()]
        assert files
        assert [path for path in files if path.name != "__init__.py" and path not in shipped] == []


# Words


def sentences(language):
    return {
        path.name.split(".")[0]: tomllib.loads(path.read_text(encoding="utf-8"))
        for path in (HERE / "words").glob(f"*.{language}.toml")
    }


def flat(table, prefix=""):
    for key, entry in table.items():
        yield from flat(entry, f"{prefix}{key}.") if isinstance(entry, dict) else [(prefix + key, entry)]


def put_in(sentence):
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name)


def test_both_languages_say_the_same_with_the_same_things_put_in():
    english, spanish = map(sentences, LANGUAGES)
    assert set(english) == set(spanish) == {"common", *(f"lab_{number}" for number in labs.numbers())}
    for name in english:
        ours, theirs = list(flat(english[name])), list(flat(spanish[name]))
        assert [key for key, _ in ours] == [key for key, _ in theirs]
        assert [put_in(text) for _, text in ours] == [put_in(text) for _, text in theirs]


@pytest.mark.parametrize("number", labs.numbers())
def test_each_check_has_its_words(number):
    assert all(EN(f"lab_{number}.checks.{name}") for name in labs.checks(number))


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "es_ES.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "KVLAB_LANG": "es"}, "es"),
        ({"LANG": "es_ES", "LC_ALL": ""}, "es"),
        ({"LANG": "fr_FR"}, "en"),
    ],
)
def test_the_language_is_that_of_the_environment(environment, language):
    assert language_of(environment) == language


# The sandbox


def run(tmp_path, text, monkeypatch, limits=SHORT):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    path = tmp_path / "reader.py"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return sandbox.run("labs_probe:observe", path, limits)


@pytest.mark.parametrize(
    ("text", "trouble", "said"),
    [
        ("x = 1\ndef f(:\n", "syntax", "line 2"),
        (b"x = 1\0", "unreadable", "null bytes"),
        (b"x = '\xff'", "syntax", "utf-8"),
        ("while True: pass", "processor", "1 seconds of processor time"),
        ("exit()", "exited", "before it had been looked at"),
        ("import sys\nsys.exit(7)", "exited", "exit code 7"),
        ("import os\nos._exit(0)", "exited", "before it had been looked at"),
        ("raise KeyboardInterrupt", "exited", "before it had been looked at"),
        ("while True: print('x' * 999)", "output", "more than 50,000 bytes"),
        ("try:\n    while True: print('x' * 999)\nexcept OSError: pass", "output", "more than 50,000 bytes"),
        ("x = bytearray(10**10)", "memory", "1,073,741,824 bytes"),
        ("import numpy\nx = numpy.ones(10**10)", "memory", "more memory"),
        ("import os\nos.abort()", "killed", "SIGABRT"),
        ("def f(): f()\nf()", "raised", "RecursionError: maximum recursion depth exceeded (line 1"),
        ("input()", "raised", "EOFError"),
        ("1/0", "raised", "ZeroDivisionError: division by zero (line 1 of the file)"),
        ("def go():\n    return {}['a']", "raised", "KeyError: 'a' (line 2 of the file)"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "raised", "with E (line 3"),
        ("open('big', 'wb').write(b'x' * 10**8)", "output", "more than 50,000 bytes"),
        ("go = object", "raised_outside", "not JSON serializable"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_broken_and_hanging_files_never_take_the_checker_down_and_are_said_in_one_sentence(
    tmp_path, monkeypatch, text, trouble, said
):
    outcome = run(tmp_path, text, monkeypatch)
    assert outcome.trouble.name == trouble
    sentence = outcome.trouble.sentence(EN)
    assert said in sentence
    assert "\n" not in sentence
    assert outcome.trouble.sentence(ES) != sentence


def test_a_file_that_waits_is_stopped_by_the_clock(tmp_path, monkeypatch):
    outcome = run(tmp_path, "import time\ntime.sleep(1000)", monkeypatch, sandbox.Limits(seconds=2))
    assert outcome.trouble == Finding("common.trouble.time", {"seconds": 2})


def test_a_list_that_grows_without_end_is_stopped_and_said(tmp_path, monkeypatch):
    limits = sandbox.Limits(memory_bytes=1 << 28)
    outcome = run(tmp_path, "x = []\nwhile True: x.append([0] * 9)", monkeypatch, limits)
    assert outcome.trouble == Finding("common.trouble.memory", {"bytes": 1 << 28})


def test_what_was_seen_before_the_trouble_is_there(tmp_path, monkeypatch):
    outcome = run(tmp_path, "def go():\n    while True: pass", monkeypatch)
    assert (outcome.said, outcome.trouble.name) == ({"begun": True}, "processor")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "print('x')",
        "import sys\nsys.stdout.close(); sys.stderr.close()",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
        "import atexit, time\natexit.register(time.sleep, 1000)",
        "import sys\nsys.argv = []\nsys.path.clear()",
    ],
    ids=lambda text: text[:30],
)
def test_prints_and_threads_change_nothing_of_what_is_seen(tmp_path, monkeypatch, text):
    outcome = run(tmp_path, text, monkeypatch)
    assert outcome == sandbox.Outcome({"begun": True, "ended": True})


def test_a_file_may_import_what_lies_beside_it_and_shadows_nothing(tmp_path, monkeypatch):
    (tmp_path / "beside.py").write_text("n = 5")
    (tmp_path / "numpy.py").write_text("raise SystemExit")
    text = "import numpy, beside\ndef go():\n    return [beside.n, int(numpy.arange(3).sum())]"
    assert run(tmp_path, text, monkeypatch).said["returned"] == [5, 3]


def test_nothing_that_a_file_writes_is_left(tmp_path, monkeypatch):
    text = "import os\ndef go():\n    open('left.txt', 'w').write('x')\n    return os.getcwd()"
    folder = run(tmp_path, text, monkeypatch).said["returned"]
    assert not Path(folder).exists()
    assert not Path("left.txt").exists()


# Results and progress


def test_a_result_keeps_the_order_of_the_checks_and_says_its_sentences_in_a_language():
    result = Result.of(("a", "b", "c"), ["c", "a"], [Finding("common.trouble.time", {"seconds": 9})])
    assert (result.passed, result.failed) == (("a", "c"), ("b",))
    shown = result.as_json(ES)
    assert list(shown) == ["passed", "failed", "diagnosis"]
    assert shown["diagnosis"][0]["name"] == "time"
    assert "tras 9 segundos" in shown["diagnosis"][0]["sentence"]


def test_progress_remembers_the_last_check_and_the_first_day_of_success(tmp_path, monkeypatch):
    monkeypatch.setenv("KVLAB_PROGRESS", str(tmp_path / "deep" / "state"))
    assert progress.recall() == {}
    good, bad = Result(("a", "b"), ()), Result(("a",), ("b",))
    for day, result in ((1, bad), (2, good), (3, good), (4, bad)):
        assert progress.remember("01", result, date(2026, 11, day)) == ""
    progress.remember("02", bad, date(2026, 11, 5))
    assert progress.recall() == {
        "01": progress.Checked(("a",), ("b",), "2026-11-04", "2026-11-02"),
        "02": progress.Checked(("a",), ("b",), "2026-11-05", None),
    }


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null", '{"01": 3}', '{"01": {"passed": "a"}}', "\ud800"])
def test_progress_survives_being_damaged(tmp_path, monkeypatch, damaged):
    monkeypatch.setenv("KVLAB_PROGRESS", str(tmp_path))
    (tmp_path / "labs.json").write_bytes(damaged.encode("utf-8", "surrogatepass"))
    assert progress.recall() == {}
    assert progress.remember("01", Result(("a",), ())) == ""
    assert list(progress.recall()) == ["01"]


def test_progress_that_cannot_be_kept_is_said_and_no_more(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KVLAB_PROGRESS", str(tmp_path / "file" / "state"))
    assert progress.remember("01", Result(("a",), ())) == "Not a directory"
    assert progress.recall() == {}


def test_without_a_home_nothing_is_kept_and_nothing_fails(monkeypatch):
    def homeless(_):
        raise RuntimeError

    monkeypatch.delenv("KVLAB_PROGRESS", raising=False)
    monkeypatch.setattr(progress, "user_state_path", homeless)
    assert progress.recall() == {}
    assert progress.remember("01", Result(("a",), ())) == "this user has no home directory"


# Commands


@pytest.fixture
def kvlab(tmp_path):
    def command(*arguments, **environment):
        home = {"KVLAB_PROGRESS": str(tmp_path / "state"), "LC_ALL": "C.UTF-8"}
        return command_line.kvlab("lab", *arguments, **home | environment)

    return command


def test_a_reader_goes_from_the_list_to_a_lab_that_is_done(kvlab, tmp_path):
    listed = json.loads(kvlab("list", "--json").stdout)["labs"]
    assert [lab["number"] for lab in listed] == labs.numbers()
    path = tmp_path / "my_cache.py"
    assert "kvlab lab check 01" in kvlab("start", "01", path).stdout
    begun = kvlab("check", "01", path, "--json")
    assert begun.returncode == 1
    result = json.loads(begun.stdout)
    assert set(result) == {"passed", "failed", "diagnosis"}
    assert result["passed"] == []
    assert [one["name"] for one in result["diagnosis"]] == ["not_written"]
    path.write_text(labs.solution("01"))
    done = kvlab("check", "01", path, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"passed": list(labs.checks("01")), "failed": [], "diagnosis": []}
    kept = json.loads(kvlab("progress", "--json").stdout)["labs"]
    assert kept["01"]["failed"] == []
    assert kept["01"]["done"]
    n = len(labs.checks("01"))
    assert re.search(rf"^01 +{n}/{n} +\d", kvlab("progress").stdout, re.MULTILINE)


def test_a_started_lab_says_what_its_checker_is_to_be_given(kvlab, tmp_path):
    for number, checked in (("01", "mine.py"), ("03", "mine.csv")):
        said = kvlab("start", number, tmp_path / "mine.py", "--force").stdout
        assert said.endswith(f"kvlab lab check {number} {tmp_path / checked}\n")


def test_the_commands_speak_the_language_that_is_asked_for(kvlab, tmp_path):
    path = tmp_path / "mi_cache.py"
    assert kvlab("start", "01", path, LC_ALL="es_ES.UTF-8").stdout.startswith("escrito ")
    assert path.read_text() == labs.starter("01", "es")
    card = kvlab("check", "01", path, "--lang", "es", KVLAB_PROGRESS="/dev/null/state")
    assert card.returncode == 1
    assert "NotImplementedError: todavía no está escrita" in card.stdout
    assert "este resultado no se pudo guardar" in card.stderr
    assert "aún no" in kvlab("progress", "--lang", "es").stdout
    assert "práctica" in kvlab("list", KVLAB_LANG="es").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "77", "a.py"], "there is no lab 77; there are 01"),
        (["check", "01", "nowhere.py"], "there is no file nowhere.py"),
        (["start", "01", "."], "is a folder"),
        (["list", "--lang", "fr"], "there is no language fr; there are en, es"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_input_gets_one_sentence(kvlab, arguments, said):
    run = kvlab(*arguments)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert said in run.stderr


def test_the_commands_stand_in_the_readme():
    from kvlab.cli.lab import lab

    readme = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert [name for name in lab.commands if f"kvlab lab {name}" not in readme] == []


def test_the_solution_lies_where_the_package_says():
    assert solution_path("01").read_text(encoding="utf-8") == labs.solution("01")
