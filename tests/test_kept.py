import shutil
import subprocess
import sys
import textwrap

import pytest

from figures_src import kept, values
from figures_src.values import call
from kvlab import catalog, experiments, units
from kvlab.accounting import memory


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "STORE", tmp_path)
    monkeypatch.setattr(values, "_seen", {})
    return tmp_path


def test_what_is_kept_is_made_once(store):
    made = []
    for _ in range(2):
        assert kept.keep("kind", "key", lambda: made.append(1) or "text") == "text"
    assert made == [1]


def test_a_making_that_fails_keeps_nothing(store):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept.keep("kind", "key", fail)
    assert kept.lookup("kind", "key") is None
    assert list(store.rglob("*")) == []


def test_a_write_that_is_cut_off_leaves_no_entry(store, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.keep("kind", "key", lambda: "text")
    assert kept.lookup("kind", "key") is None


def test_keys_differ_where_any_part_differs_and_parts_do_not_run_together():
    assert kept.key_of("a", "b") == kept.key_of("a", "b")
    assert len({kept.key_of("a", "b"), kept.key_of("ab", ""), kept.key_of("a", "c"), kept.key_of("b", "a")}) == 4


def test_another_version_of_a_library_is_another_key(monkeypatch):
    before = kept.key_of("a")
    monkeypatch.setattr(kept, "_libraries", lambda: "numpy 3.0")
    assert kept.key_of("a") != before


def test_a_module_uses_what_it_imports_and_what_that_imports():
    used = kept.modules_used_by("kvlab.experiments")
    assert {"kvlab.model.ops", "kvlab.cache.dense", "kvlab.grammar.corpus", "kvlab.errors", "kvlab"} <= used
    assert "kvlab.accounting.memory" not in used
    assert "kvlab.accounting.parameters" in kept.modules_used_by("kvlab.accounting.traffic")


def test_every_module_that_python_loads_for_a_function_is_in_its_key():
    """The closure is read from the sources; the interpreter's own list of loaded modules is the second route."""
    for module in ("kvlab.experiments", "kvlab.accounting.traffic", "kvlab.catalog"):
        script = f"import sys, {module}; print(*(m for m in sys.modules if m.split('.')[0] == 'kvlab'))"
        loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
        assert set(loaded.split()) <= kept.modules_used_by(module)


def test_what_draws_a_figure_depends_on_no_formula_so_that_a_new_formula_redraws_only_what_it_changes():
    drawings = [path.stem for path in (kept.ROOT / "figures_src/figures").glob("*.py") if path.stem != "__init__"]
    assert {"work", "cache_levels", "step_reads"} <= set(drawings)
    for name in drawings:
        used = kept.modules_used_by(f"figures_src.figures.{name}")
        assert not [
            module for module in used if module.startswith(("kvlab.accounting", "kvlab.model", "figures_src.pages"))
        ]


def test_a_change_in_a_module_changes_the_keys_of_what_uses_it_and_of_nothing_else(tmp_path, monkeypatch):
    package = tmp_path / "kvlab"
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
    monkeypatch.setattr(kept, "ROOT", tmp_path)

    def keys():
        for cached in (kept.sources_of, kept.modules_used_by, kept._imports):
            cached.cache_clear()
        return [kept.sources_of(f"kvlab.{name}") for name in "abcd"]

    before = keys()
    (package / "b.py").write_text("X = 2")
    after = keys()
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, False, True, False]
    monkeypatch.undo()
    for cached in (kept.sources_of, kept.modules_used_by, kept._imports):
        cached.cache_clear()


def test_changed_data_change_the_keys_of_what_reads_them_and_of_nothing_else(tmp_path, monkeypatch):
    shutil.copytree(kept.ROOT / "kvlab", tmp_path / "kvlab", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(kept, "ROOT", tmp_path)
    modules = ("kvlab.experiments", "kvlab.catalog", "kvlab.accounting.memory")

    def keys():
        kept.data_read_by.cache_clear()
        return [kept.data_read_by(module) for module in modules]

    def changed(path):
        before = keys()
        (tmp_path / "kvlab" / path).write_bytes(b"changed")
        return [x != y for x, y in zip(before, keys(), strict=True)]

    assert changed("catalog/devices.json") == [False, True, False]
    assert changed("grammar/minigpt/model.safetensors") == [True, True, False]
    assert changed("somewhere_new.json") == [True, True, True]
    kept.data_read_by.cache_clear()


def test_an_entry_that_was_cut_short_is_made_anew(store):
    from kvlab import experiments

    def ask():
        values._seen.clear()
        return call(experiments.continuation, prompt="Yesterday I", n_tokens=1).result

    assert ask() == " worked"
    entry = next(path for path in store.rglob("*") if path.is_file())
    for damage in ("", "' work"):
        entry.write_text(damage)
        assert ask() == " worked"
        assert entry.read_text() == "' worked'"


def test_a_value_says_the_call_that_it_made():
    layers = call(catalog.shape, model_name="MiniGPT", field="n_layers")
    value = call(memory.kv_bytes_per_token, n_layers=layers, n_kv_heads=4, head_dim=16, bytes_per_element=4)
    assert value.origin == (
        "kvlab.accounting.memory.kv_bytes_per_token(n_layers=2, n_kv_heads=4, head_dim=16, bytes_per_element=4)"
    )
    assert value.result == 1024
    assert value.formula == "2 · L · H_kv · d_h · s"
    assert layers.origin == "kvlab.catalog.zoo.shape(model_name='MiniGPT', field='n_layers')"
    assert layers.formula is None


def test_a_result_is_looked_up_by_its_call_its_sources_and_the_data(store, monkeypatch):
    asked = []
    monkeypatch.setattr(kept, "lookup", lambda kind, key: asked.append(key))

    def ask(n_tokens):
        values._seen.clear()
        assert call(experiments.continuation, prompt="Yesterday I", n_tokens=n_tokens).result

    ask(1)
    ask(1)
    ask(2)
    monkeypatch.setattr(kept, "sources_of", lambda module: "other sources")
    ask(1)
    monkeypatch.setattr(kept, "data_read_by", lambda module: "other data")
    ask(1)
    assert asked[0] == asked[1]
    assert len(set(asked)) == 4


def test_a_run_of_the_model_is_kept_and_so_is_what_takes_no_time(store):
    """What is quick on one day is slow on another: were it kept only then, a warm build would still run calls."""
    assert call(experiments.continuation, prompt="Yesterday I", n_tokens=1).result == " worked"
    assert call(units.given, quantity=31415).result == 31415
    entries = {path.read_text() for path in store.rglob("*") if path.is_file()}
    assert entries == {"' worked'", "31415"}


def test_what_is_kept_is_taken_and_nothing_runs():
    """In a process of its own: the first run keeps, the second is forbidden to run the model and still knows."""
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from figures_src import kept
        from figures_src.values import call
        from kvlab import experiments
        kept.STORE = Path(sys.argv[1])
        if sys.argv[2] == "second":
            experiments.minigpt = None
        print(repr(call(experiments.continuation, prompt="Tomorrow she", n_tokens=3).result))
    """)
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        runs = [
            subprocess.run(
                [sys.executable, "-c", script, folder, which],
                capture_output=True,
                text=True,
                cwd=kept.ROOT,
                check=True,
            ).stdout
            for which in ("first", "second")
        ]
    assert runs[0] == runs[1]
    assert "will" in runs[0]


def test_a_solution_of_a_lab_is_data_of_what_reads_it_though_it_is_a_program(tmp_path, monkeypatch):
    folder = tmp_path / "kvlab" / "labs" / "solutions"
    folder.mkdir(parents=True)
    (folder.parent / "lab.py").write_text("")
    (folder.parent / "other.py").write_text("")
    program = folder / "solution_01_en.py"
    monkeypatch.setattr(kept, "ROOT", tmp_path)

    def keys(text):
        program.write_text(text)
        for cached in (kept.data_read_by, kept.modules_used_by, kept._imports):
            cached.cache_clear()
        return [kept.data_read_by(f"kvlab.labs.{module}") for module in ("lab", "other")]

    before, after = keys("x = 1"), keys("x = 2")
    assert [x == y for x, y in zip(before, after, strict=True)] == [False, True]
    monkeypatch.undo()
    for cached in (kept.data_read_by, kept.modules_used_by, kept._imports):
        cached.cache_clear()
