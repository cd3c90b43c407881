"""Whole builds, each in a copy of the project and in a process of its own, as an author runs them."""

import ast
import filecmp
import gzip
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from fractions import Fraction
from pathlib import Path

import pytest

from figures_src import kept
from figures_src.markup.numbers import show
from figures_src.words import Words, _load

ROOT = Path(__file__).parents[1]
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv*", "site", "__pycache__", ".hypothesis", ".*_cache", "*.egg-info")
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600", "NO_MKDOCS_2_WARNING": "1"}
MKDOCS = [sys.executable, "-m", "mkdocs"]


@pytest.fixture
def copy(tmp_path, site):
    """A copy of the project, with what the build of the site has kept."""
    shutil.copytree(ROOT, tmp_path / "project", ignore=LEFT_BEHIND)
    return tmp_path / "project"


def build(project, *options):
    return subprocess.run(
        [*MKDOCS, "build", "--strict", *options],
        cwd=project,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=900,
    )


def built(project, *options):
    run = build(project, *options)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stderr


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def may_come_to_the_bytes_of_a_cache(call):
    """Return whether a call's module is another one than `memory`, and uses it."""
    module = call.partition("(")[0].rpartition(".")[0]
    return module != "kvlab.accounting.memory" and "kvlab.accounting.memory" in kept.modules_used_by(module)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_two_cold_builds_are_the_same_bytes_and_a_warm_one_runs_and_draws_nothing(tmp_path):
    projects = [tmp_path / name for name in ("one", "two")]
    for project in projects:
        shutil.copytree(ROOT, project, ignore=lambda d, names: {*LEFT_BEHIND(d, names), ".cache"} & set(names))
        assert not (project / ".cache").exists()
    command = [*MKDOCS, "build", "--strict"]
    cold = [subprocess.Popen(command, cwd=p, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for p in projects]
    for process in cold:
        _, log = process.communicate(timeout=900)
        assert process.returncode == 0, log
        assert int(re.search(r"figures drawn: (\d+)", log)[1]) > 0
        assert int(re.search(r"calls run: (\d+)", log)[1]) > 0
    one, two = (project / "site" for project in projects)
    assert files(one) == files(two)
    _, different, odd = filecmp.cmpfiles(one, two, files(one), shallow=False)
    assert (different, odd) == ([], [])

    log = built(projects[0], "--site-dir", str(tmp_path / "warm"))
    assert "figures drawn: 0, calls run: 0" in log
    assert filecmp.cmpfiles(one, tmp_path / "warm", files(one), shallow=False)[1:] == ([], [])


def numbers(page):
    """Return each computed number of a page: its attributes, whether it stands in the twin's sentence; its text."""
    twin = re.search(r'<p class="kv-twin">.*?</p>', page, re.DOTALL)
    found = []
    for match in re.finditer(r"<data ([^>]*)>(.*?)</data>", page, re.DOTALL):
        attributes = {k: html.unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', match[1])}
        attributes["in-twin"] = twin is not None and twin.start() < match.start() < twin.end()
        found.append((attributes, match[2]))
    return found


def without_results(page):
    """Return a page without the places where results stand: numbers, mathematics, figures' sizes."""
    page = re.sub(r"<data .*?</data>|<math.*?</math>", "", page, flags=re.DOTALL)
    page = re.sub(r'<span class="c1"># [^<]*</span>', "", page)  # what a call that is shown gives
    page = re.sub(r' data-(?:expected|mistaken)="[^"]*"', "", page)  # what a field of a lab is held against
    return re.sub(r' alt="[^"]*"|<meta (?:name="|property="og:)description" content="[^"]*">', "", page)


def test_a_changed_formula_changes_what_depends_on_it_in_both_languages_and_nothing_else(copy):
    built(copy, "--site-dir", "before")
    edit(
        copy / "kvlab/accounting/memory.py",
        "return 2 * n_layers * n_kv_heads * head_dim * context",
        "return 3 * n_layers * n_kv_heads * head_dim * context",
    )
    built(copy, "--site-dir", "after")
    changed, held = {}, 0
    for name in (n for n in files(copy / "before") if n.endswith(".html")):
        before, after = ((copy / folder / name).read_text(encoding="utf-8") for folder in ("before", "after"))
        assert without_results(before) == without_results(after), name
        pairs = list(zip(numbers(before), numbers(after), strict=True))
        changed[name] = [a["data-from"].partition("(")[0] for (a, _), (b, _) in pairs if a["value"] != b["value"]]
        for (a, shown_before), (b, shown_after) in pairs:
            if a["data-from"].startswith("kvlab.accounting.memory.kv_cache_bytes("):
                assert int(b["value"]) * 2 == int(a["value"]) * 3
                assert shown_before != shown_after
            elif a["data-from"] == b["data-from"] and not may_come_to_the_bytes_of_a_cache(a["data-from"]):
                # The same call of another function: nothing of it may have moved.
                assert a["value"] == b["value"], a
                held += 1
    page = "theory/05-worked-example.html"
    assert "kvlab.accounting.memory.kv_cache_bytes" in changed[page]
    assert changed[page] == changed[f"es/{page}"]
    assert changed["index.html"] == changed["es/index.html"] == []
    assert held > 500


def test_every_number_is_what_its_call_gives_in_a_fresh_process_and_is_shown_as_its_page_shows_numbers(copy):
    built(copy)
    found = {
        name: numbers((copy / "site" / name).read_text(encoding="utf-8"))
        for name in files(copy / "site")
        if name.endswith(".html")
    }
    calls = sorted({attributes["data-from"] for page in found.values() for attributes, _ in page})
    assert len(calls) > 40
    script = (
        "import importlib, json, sys\n"
        "results = {}\n"
        "for call in json.load(sys.stdin):\n"
        "    importlib.import_module(call.partition('(')[0].rpartition('.')[0])\n"
        "    import kvlab\n"
        "    results[call] = repr(eval(call, {'kvlab': kvlab}))\n"
        "json.dump(results, sys.stdout)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], input=json.dumps(calls), capture_output=True, text=True, cwd=copy, timeout=900
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(run.stdout)
    for name, page in found.items():
        for attributes, shown in page:
            assert attributes["value"] == results[attributes["data-from"]], attributes
            # A page's second summary is in the other language, and its numbers with it.
            other = name.removeprefix("es/") if name.startswith("es/") else f"es/{name}"
            where = other if attributes["in-twin"] else name
            text, result = html.unescape(shown), results[attributes["data-from"]]
            if attributes.get("data-format") == "word" and "checked-claims" not in where:
                assert all_words(text, where), attributes
            else:
                assert text == expected_text(result, attributes, where)


def all_words(text, name):
    """Return whether a text is a word of the page's language that stands in its file, or several in a list."""
    words = set(_load("es" if name.startswith("es/") else "en").values())
    return text in words or set(re.split("[,;] ", text)) <= words


def expected_text(result, attributes, name):
    """Return what should stand there: where it can be told by a route of its own, by that; else by the formatter."""
    language, value, style = (
        "es" if name.startswith("es/") else "en",
        ast.literal_eval(result),
        attributes.get("data-format", ""),
    )
    if style == "word":
        function = attributes["data-from"].partition("(")[0].rpartition(".")[2]
        section = "verdicts" if function in ("verdict", "part_verdict") else "word"
        return Words(language)(f"claims.{section}.{value}")
    if isinstance(value, int) and style in ("", "B"):
        return in_style(f"{value:,}", language) + ("\u00a0B" if style else "")
    if style in ("KiB", "MiB"):
        exact = Fraction(value, {"KiB": 1024, "MiB": 1024**2}[style])
        return in_style(f"{float(exact):,.2f}".rstrip("0").rstrip("."), language) + f"\u00a0{style}"
    if style.startswith("percent"):
        places = int(style.removeprefix("percent") or 0)
        return in_style(f"{100 * value:.{places}f}", language) + ("\u00a0%" if language == "es" else "%")
    return show(value, style, language)


def in_style(english, language):
    """Return a number as Spanish writes it, by exchanging the signs of the English one."""
    english = english.replace("-", "\u2212")
    if language == "en":
        return english
    whole, _, decimals = english.partition(".")
    digits = whole.replace(",", "")
    return (whole.replace(",", "\u202f") if len(digits) > 4 else digits) + ("," + decimals if decimals else "")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("docs/es/index.md", "[[prompt:quoted]]", "[[promt:quoted]]", "docs/es/index.md:{line}: unknown name 'promt'"),
        ("docs/en/index.md", "$[[size]]$", "$[[size]] \\frac$", "docs/en/index.md:{line}: bad LaTeX"),
        ("docs/en/index.md", "[[blas_share:percent]]", "most", "'blas_share' is not used in docs/en/index.md"),
        ("docs/en/index.md", "[[fig work]]", "[[fig wrk]]", "docs/en/index.md:{line}: unknown name 'wrk'"),
        ("figures_src/words/es.toml", 'cached = "Con caché"', "", "words/es.toml: no word 'work.cached'"),
        ("docs/en/index.md", "theory/05-worked-example.md", "theory/05-worked.md", "theory/05-worked.md"),
        ("docs/en/index.md", "05-worked-example.md", "05-worked-example.md#nowhere", "nowhere"),
        (
            "docs/es/index.md",
            "Explicar por qué",
            '<a href="lost.html">',
            "es/index.html: its link lost.html leads nowhere",
        ),
        (
            "kvlab/accounting/memory.py",
            "    return parameters *",
            "    return parameters **",
            "bytes_per_element' is not known",
        ),
        ("kvlab/accounting/memory.py", "def weight_bytes(", "def weight_bytes((", "kvlab/accounting/memory.py"),
    ],
    ids=lambda value: None,
)
def test_a_mistake_fails_the_build_with_a_sentence_and_no_traceback(copy, file, old, new, message):
    lines = (copy / file).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if old in text)
    edit(copy / file, old, new)
    run = build(copy)
    assert run.returncode == 1
    assert message.replace("{line}", str(line)) in run.stderr
    assert "Traceback" not in run.stderr


def everything(folder):
    return {name: (folder / name).read_bytes() for name in files(folder)}


def beside_the_site(project):
    return [path.name for path in project.iterdir() if path.name.startswith(".site")]


def test_a_build_that_fails_leaves_the_last_good_site(copy):
    built(copy)
    last = everything(copy / "site")
    edit(copy / "docs/en/index.md", "05-worked-example.md", "05-worked-example.md#nowhere")
    assert build(copy).returncode == 1
    assert everything(copy / "site") == last
    assert beside_the_site(copy) == []


def test_a_build_that_is_killed_at_any_moment_leaves_the_last_good_site_and_stores_that_hold(copy):
    built(copy)
    last = everything(copy / "site")
    for share in (0.2, 0.4, 0.6, 0.8):
        shutil.rmtree(copy / ".cache/figures")
        (copy / ".cache/figures").mkdir()
        started = time.monotonic()
        killed = subprocess.Popen([*MKDOCS, "build", "--strict"], cwd=copy, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        while not beside_the_site(copy):
            time.sleep(0.01)
        time.sleep(share * 8)
        killed.kill()
        killed.wait()
        assert everything(copy / "site") == last, f"killed after {time.monotonic() - started} s"
    built(copy)
    assert everything(copy / "site") == last
    assert beside_the_site(copy) == []


def test_properdocs_builds_the_same_site_but_for_the_generators_name(site, tmp_path):
    command = [
        sys.executable,
        "-m",
        "properdocs",
        "build",
        "--strict",
        "-f",
        "mkdocs.yml",
        "-d",
        str(tmp_path / "site"),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    one, other = unsigned(site), unsigned(tmp_path / "site")
    assert [name for name in one if one[name] != other.get(name)] == []
    assert list(one) == list(other)
    assert "ProperDocs" in (tmp_path / "site/index.html").read_text(encoding="utf-8")


def unsigned(folder):
    """Return a site's files without the generator's name, and compressed ones as what they hold."""
    signature = re.compile(rb'<meta name="generator" [^>]*>')
    return {
        name: signature.sub(b"", gzip.decompress(content) if name.endswith(".gz") else content)
        for name, content in everything(folder).items()
    }


def test_two_builds_at_once_do_not_disturb_each_other(copy):
    shutil.rmtree(copy / ".cache/figures")
    command = [*MKDOCS, "build", "--strict"]
    both = [subprocess.Popen(command, cwd=copy, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    logs = [process.communicate(timeout=900)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    together = everything(copy / "site")
    built(copy)
    assert everything(copy / "site") == together
    assert beside_the_site(copy) == []


def test_a_missing_translation_fails_the_build_and_is_named(copy):
    (copy / "docs/es/theory/05-worked-example.md").unlink()
    run = build(copy)
    assert run.returncode == 1
    assert "docs/es/theory/05-worked-example.md:1: the page is missing" in run.stderr
    assert "Traceback" not in run.stderr


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def test_the_live_server_shows_a_changed_formula_after_one_rebuild(copy):
    built(copy)  # what it keeps, the server finds
    port = free_port()
    log = (copy / "serve.log").open("w")
    server = subprocess.Popen(
        [*MKDOCS, "serve", "--dev-addr", f"127.0.0.1:{port}"], cwd=copy, env=ENVIRONMENT, stdout=log, stderr=log
    )
    try:
        assert wait_for(port, "131,072") == 1
        rebuilt = (copy / "serve.log").read_text().count("Building 'en'")
        edit(
            copy / "kvlab/accounting/memory.py",
            "return 2 * n_layers * n_kv_heads * head_dim * context",
            "return 4 * n_layers * n_kv_heads * head_dim * context",
        )
        assert wait_for(port, "262,144\u00a0B") == 1
        time.sleep(2)  # a second rebuild would have begun by now
        assert (copy / "serve.log").read_text().count("Building 'en'") == rebuilt + 1
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def wait_for(port, text):
    """Return 1 once the worked example says `text`, 0 if it does not within a minute."""
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/theory/05-worked-example.html") as page:
                if text in page.read().decode():
                    return 1
        except OSError:
            pass
        time.sleep(0.2)
    return 0
