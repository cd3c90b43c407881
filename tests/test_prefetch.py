"""A first build's second process: what it computes is kept, the build waits for it, and not when it has ended."""

import subprocess
import sys

import pytest

from figures_src import store
from figures_src.build import prefetch
from figures_src.declared import values
from figures_src.declared.page import Page, Shown
from figures_src.declared.values import Call, Field, call
from kvlab import units
from kvlab.catalog import sizes
from kvlab.experiments import cache_correctness, minigpt, silent_bugs

RUNS = (minigpt.verification, minigpt.blas_differing_share)


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "STORE", tmp_path)
    monkeypatch.setattr(values, "_seen", {})


def started(monkeypatch, script, *paths):
    """Return the build's side of a second process that runs `script`, with pages of these paths to compute."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        prefetch.subprocess, "Popen", lambda _, **options: popen([sys.executable, "-c", script], **options)
    )
    monkeypatch.setattr(prefetch, "pages", lambda: [Page(path, shared_runs=True) for path in paths])
    second = prefetch.SecondProcess()
    second.start()
    return second


def test_all_that_a_page_shows_is_computed_and_kept_but_for_what_is_refused(empty_store, monkeypatch):
    page = Page("theory/ahead")
    page.value("refused", sizes.weight_bytes, model_name="none", dtype="fp16")
    page.value("given", units.ratio, numerator=27, denominator=1)
    page.claim("more", page.values["given"], call(units.ratio, numerator=28, denominator=1))

    @page.table
    def shown(words):
        return [["text", Shown(call(units.ratio, numerator=29, denominator=1))]]

    drawn = []
    monkeypatch.setattr(prefetch, "svg_of", lambda rows, draw, words: drawn.append((rows, words.language)))
    page.figure("line", lambda: [(call(units.ratio, numerator=30, denominator=1).result,)], None)
    prefetch.compute(page)
    assert drawn == [([(30,)], "en"), ([(30,)], "es")]
    values._seen.clear()
    values.ran.clear()
    assert [call(units.ratio, numerator=n, denominator=1).result for n in (27, 28, 29, 30)] == [27, 28, 29, 30]
    assert values.ran == []


def test_the_build_waits_for_a_page_that_the_second_process_computes_and_for_no_other(empty_store, monkeypatch):
    script = "print('a', flush=True); input(); print('', flush=True); print('c'); print('b', flush=True); input()"
    second = started(monkeypatch, script, "a", "b", "c")
    second.wait_for("other")
    second.wait_for("a")
    assert second._awaited == {"b", "c"}
    second._process.stdin.write(b"\n")
    second._process.stdin.flush()
    second.wait_for("c")
    assert second._awaited == {"b"}
    second.wait_for("b")
    second.end(is_finished=True)


def test_the_build_waits_for_nothing_from_a_second_process_that_was_killed(empty_store, monkeypatch):
    second = started(monkeypatch, "input()", "a", "b")
    second._process.kill()
    second.wait_for("a")
    second.wait_for("b")
    second.end(is_finished=False)


def test_the_build_computes_the_pages_that_share_no_runs_itself(empty_store, monkeypatch):
    computed = []
    monkeypatch.setattr(prefetch, "compute", lambda page: computed.append(page.path))
    monkeypatch.setattr(prefetch.subprocess, "Popen", lambda *_, **__: None)
    monkeypatch.setattr(prefetch, "pages", lambda: [Page("a", shared_runs=True), Page("b")])
    prefetch.SecondProcess().start()
    assert computed == ["b"]


def test_there_is_a_second_process_until_a_build_has_been_finished(empty_store, monkeypatch):
    for is_finished in (False, True):
        second = started(monkeypatch, "input()", "a")
        assert second._process.poll() is None
        second.end(is_finished)
        assert second._process.poll() is not None
    second = started(monkeypatch, "input()", "a")
    second.wait_for("a")
    second.end(is_finished=True)
    assert second._process is None


def test_a_second_process_ends_with_its_build():
    command = [sys.executable, "-m", "figures_src.build.prefetch"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=store.ROOT, stdin=pipe, stdout=pipe) as second:
        second.stdin.close()
        assert second.wait(timeout=60) == 1


def test_a_page_that_quotes_a_shared_run_says_so():
    def is_run(value: object) -> bool:
        if isinstance(value, list):
            return any(map(is_run, value))
        value = value.whole if isinstance(value, Field) else value
        if not isinstance(value, Call):
            return False
        module = value.function.__module__
        of_bugs = module == silent_bugs.__name__ or value.function.__name__.startswith("bug_")
        itself = of_bugs or module == cache_correctness.__name__ or value.function in RUNS
        return itself or any(map(is_run, value.arguments.values()))

    quoting = {page.path for page in prefetch.pages() if any(map(is_run, page.all_values()))}
    assert {page.path for page in prefetch.pages() if page.shared_runs} == quoting
    assert len(quoting) > 1
