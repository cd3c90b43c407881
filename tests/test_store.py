"""Protects what is kept between builds: it is what would be made now, it is found again, and it is never stale."""

import shutil
import subprocess
import sys
import textwrap
from importlib import metadata

import pytest

from figures_src import store
from figures_src.build import kept_pages
from figures_src.declared import values
from figures_src.declared.values import call
from kvlab import catalog, units
from kvlab.accounting import memory
from kvlab.experiments import minigpt

PROJECT = store.ROOT

CACHED = [function for function in vars(store).values() if hasattr(function, "cache_clear")]


def forget():
    """Let a process see changed sources, as the next build does."""
    for cached in CACHED:
        if cached is not store._opened:
            cached.cache_clear()


def forget_connections():
    store._database().close()
    store._opened.cache_clear()


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "STORE", tmp_path)
    monkeypatch.setattr(values, "_seen", {})
    return tmp_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Another root of the project, whose sources a test changes."""
    monkeypatch.setattr(store, "ROOT", tmp_path)
    forget()
    yield tmp_path
    monkeypatch.undo()
    forget()


def test_what_is_kept_is_made_once(empty_store):
    made = []
    for _ in range(2):
        assert store.keep("kind", "key", lambda: made.append(1) or "text") == "text"
    assert made == [1]


def test_a_making_that_fails_keeps_nothing(empty_store):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.keep("kind", "key", fail)
    assert store.lookup("kind", "key") is None
    assert store._database().execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_damaged_store_is_replaced_by_a_new_one(empty_store):
    store.put("kind", "key", "text")
    forget_connections()
    for part in empty_store.glob(f"{store.FILE}*"):
        part.write_bytes(b"no database" * 1000)
    assert store.keep("kind", "key", lambda: "again") == "again"
    forget_connections()
    assert store.lookup("kind", "key") == "again"


def test_a_store_that_cannot_be_written_keeps_nothing_and_fails_nothing(tmp_path, monkeypatch):
    (tmp_path / store.FILE).mkdir()  # where a database should be
    monkeypatch.setattr(store, "STORE", tmp_path)
    assert store.keep("kind", "key", lambda: "text") == "text"


WRITING = """
import sys
from pathlib import Path
from figures_src import store

PROJECT = store.ROOT
store.STORE = Path(sys.argv[1])
print("begun", flush=True)
for number in range(int(sys.argv[3])):
    store.put("kind", f"{sys.argv[2]} {number}", "text" * 1000)
"""


def writer(empty_store, name, n):
    command = [sys.executable, "-c", WRITING, str(empty_store), name, str(n)]
    return subprocess.Popen(command, cwd=store.ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_to_one_store(empty_store):
    both = [writer(empty_store, name, 200) for name in ("one", "two")]
    assert [process.communicate()[0] and process.returncode for process in both] == [0, 0]
    assert all(store.lookup("kind", f"{name} {number}") for name in ("one", "two") for number in range(200))


def test_a_process_that_is_killed_leaves_a_store_that_holds(empty_store):
    process = writer(empty_store, "one", 10**6)
    assert process.stdout.readline() == "begun\n"
    while store.lookup("kind", "one 50") is None:
        assert process.poll() is None
    process.kill()
    process.communicate()
    assert store.lookup("kind", "one 50") == "text" * 1000
    [[state]] = store._database().execute("PRAGMA integrity_check")
    assert state == "ok"


def test_what_no_build_asks_for_is_dropped_after_some_weeks(empty_store, monkeypatch):
    for key in ("asked for", "forgotten"):
        store.put("kind", key, "text")
    later = store._today() + store.DAYS_KEPT + 1
    monkeypatch.setattr(store, "_today", lambda: later)
    monkeypatch.setattr(store, "_used", set())
    assert store.lookup("kind", "asked for") == "text"
    store.drop_old()
    assert (store.lookup("kind", "asked for"), store.lookup("kind", "forgotten")) == ("text", None)


def test_keys_differ_where_any_part_differs_and_parts_do_not_run_together():
    assert store.key_of("a", "b") == store.key_of("a", "b")
    assert len({store.key_of("a", "b"), store.key_of("ab", ""), store.key_of("a", "c"), store.key_of("b", "a")}) == 4


def test_another_version_of_a_library_is_another_key(monkeypatch):
    before = store.key_of("a")
    monkeypatch.setattr(store, "_libraries", lambda: "numpy 3.0")
    assert store.key_of("a") != before


@pytest.mark.parametrize("library", store.LIBRARIES)
def test_every_library_that_has_a_hand_in_results_is_in_the_key(library, monkeypatch):
    before, version = store._libraries(), metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "another" if name == library else version(name))
    forget()
    assert store._libraries() != before
    monkeypatch.undo()
    forget()


def test_a_module_uses_what_it_imports_and_what_that_imports():
    used = store.modules_used_by("kvlab.experiments.minigpt")
    assert {"kvlab.model.ops", "kvlab.cache.dense", "kvlab.training.corpus", "kvlab.errors", "kvlab"} <= used
    assert "kvlab.accounting.memory" not in used
    assert "kvlab.accounting.parameters" in store.modules_used_by("kvlab.accounting.traffic")


def test_every_module_that_python_loads_for_a_function_is_in_its_key():
    """The closure is read from the sources; the interpreter's own list of loaded modules is the second route."""
    for module in ("kvlab.experiments.minigpt", "kvlab.accounting.traffic", "kvlab.catalog"):
        script = f"import sys, {module}; print(*(m for m in sys.modules if m.split('.')[0] == 'kvlab'))"
        loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        assert set(loaded.split()) <= store.modules_used_by(module)


def test_what_draws_a_figure_depends_on_no_formula_so_that_a_new_formula_redraws_only_what_it_changes():
    drawings = [path.stem for path in (store.ROOT / "figures_src/plots").glob("*.py") if path.stem != "__init__"]
    assert {"work", "cache_levels", "step_reads"} <= set(drawings)
    for name in drawings:
        used = store.modules_used_by(f"figures_src.plots.{name}")
        assert not [
            module for module in used if module.startswith(("kvlab.accounting", "kvlab.model", "figures_src.pages"))
        ]


def test_a_change_in_a_module_changes_the_keys_of_what_uses_it_and_of_nothing_else(root):
    package = root / "kvlab"
    package.mkdir()
    sources = {
        "__init__": "",
        "a": "from kvlab import b",
        "b": "X = 1",
        "c": "Y = 1",
        "d": "def f():\n    from kvlab import b",
    }
    for name, text in sources.items():
        (package / f"{name}.py").write_text(text)

    def keys():
        forget()
        return [store.sources_of(f"kvlab.{name}") for name in "abcd"]

    before = keys()
    (package / "b.py").write_text("X = 2")
    after = keys()
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("n * 2", "n * 3", False),
        ('"""Doubles."""', '"""Twice."""', True),
        ("n: int", "n: float", True),
        ("K = 1", "K = 2", True),
    ],
)
def test_the_documentation_of_a_module_changes_with_what_it_says_and_not_with_what_its_functions_do(
    root, old, new, changes
):
    text = 'K = 1\n"""A constant."""\n\n\ndef f(n: int):\n    """Doubles."""\n    return n * 2\n'
    assert old in text
    digests = set()
    for content in (text, text.replace(old, new)):
        (root / "kvlab").mkdir(exist_ok=True)
        (root / "kvlab/said.py").write_text(content, encoding="utf-8")
        digests.add(store.documentation_of("kvlab.said"))
        store.documentation_of.cache_clear()
    assert len(digests) == (2 if changes else 1)


def test_changed_data_change_the_keys_of_what_reads_them_and_of_nothing_else(root):
    shutil.copytree(PROJECT / "kvlab", root / "kvlab", ignore=shutil.ignore_patterns("__pycache__"))
    modules = ("kvlab.experiments.minigpt", "kvlab.catalog", "kvlab.accounting.memory")

    def keys():
        forget()
        return [store.data_read_by(module) for module in modules]

    def changed(path):
        before = keys()
        (root / "kvlab" / path).write_bytes(b"changed")
        return [x != y for x, y in zip(before, keys(), strict=True)]

    assert changed("catalog/devices.json") == [False, True, False]
    assert changed("training/minigpt/model.safetensors") == [True, True, False]
    assert changed("somewhere_new.json") == [True, True, True]


def test_an_entry_that_was_cut_short_is_made_anew(empty_store):
    from kvlab.experiments import minigpt

    def ask():
        values._seen.clear()
        return call(minigpt.continuation, prompt="Yesterday I", n_tokens=1).result

    assert ask() == " worked"
    for damage in ("", "' work"):
        store._database().execute("UPDATE kept SET content = ? WHERE kind = 'values'", (damage,))
        assert ask() == " worked"
        assert entries() == {"' worked'"}


def entries():
    return {content for (content,) in store._database().execute("SELECT content FROM kept WHERE kind = 'values'")}


def test_a_value_says_the_call_that_it_made():
    layers = call(catalog.model, name="MiniGPT").field("decoder.n_layers")
    value = call(memory.kv_bytes_per_token, n_layers=layers, n_kv_heads=4, head_dim=16, bytes_per_element=4)
    assert value.origin == (
        "kvlab.accounting.memory.kv_bytes_per_token(n_layers=2, n_kv_heads=4, head_dim=16, bytes_per_element=4)"
    )
    assert value.result == 1024
    assert value.formula == "2 · L · H_kv · d_h · s"
    assert layers.origin == "kvlab.catalog.models.model(name='MiniGPT').decoder.n_layers"
    assert layers.formula is None


def test_a_result_is_looked_up_by_its_call_its_sources_and_the_data(empty_store, monkeypatch):
    asked = []
    monkeypatch.setattr(store, "lookup", lambda kind, key: asked.append(key))

    def ask(n_tokens):
        values._seen.clear()
        assert call(minigpt.continuation, prompt="Yesterday I", n_tokens=n_tokens).result

    ask(1)
    ask(1)
    ask(2)
    monkeypatch.setattr(store, "sources_of", lambda module: "other sources")
    ask(1)
    monkeypatch.setattr(store, "data_read_by", lambda module: "other data")
    ask(1)
    assert asked[0] == asked[1]
    assert len(set(asked)) == 4


def test_a_run_of_the_model_is_kept_and_so_is_what_takes_no_time(empty_store):
    """What is quick on one day is slow on another: were it kept only then, a warm build would still run calls."""
    assert call(minigpt.continuation, prompt="Yesterday I", n_tokens=1).result == " worked"
    assert call(units.ratio, numerator=31415, denominator=1).result == 31415
    assert entries() == {"' worked'", "31415"}


def test_what_is_kept_is_taken_and_nothing_runs():
    """In a process of its own: the first run keeps, the second is forbidden to run the model and still knows."""
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from figures_src import store
        from figures_src.declared.values import call
        from kvlab.experiments import minigpt
        store.STORE = Path(sys.argv[1])
        if sys.argv[2] == "second":
            minigpt.minigpt = None
        print(repr(call(minigpt.continuation, prompt="Tomorrow she", n_tokens=3).result))
    """)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        runs = [
            subprocess.run(
                [sys.executable, "-c", script, folder, which],
                capture_output=True,
                text=True,
                cwd=store.ROOT,
                check=True,
            ).stdout
            for which in ("first", "second")
        ]
    assert runs[0] == runs[1]
    assert "will" in runs[0]


def test_a_solution_of_a_lab_is_data_of_what_reads_it_though_it_is_a_program(root):
    folder = root / "kvlab" / "labs" / "solutions"
    folder.mkdir(parents=True)
    (folder.parent / "lab.py").write_text("")
    (folder.parent / "other.py").write_text("")
    program = folder / "solution_01.py"

    def keys(text):
        program.write_text(text)
        forget()
        return [store.data_read_by(f"kvlab.labs.{module}") for module in ("lab", "other")]

    before, after = keys("x = 1"), keys("x = 2")
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, True]


def test_what_has_a_hand_in_every_page_is_there():
    assert [path for path in (*kept_pages.MAKERS, kept_pages.GLOSSARY, kept_pages.THEME) if not path.exists()] == []
