"""What a build leaves: the same bytes each time, numbers that are what their calls give, a whole site or the last one.

Slow: the whole book is built, twice from nothing, and each of its numbers is asked for in a fresh process; each mistake
and each moment of a kill has a build of its own.
"""

import ast
import gzip
import html
import json
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from small_project import PICTURES, ROOT, SIZE_LINE, Project

from figures_src import store
from figures_src.words import Words, _load
from figures_src.words.numbers import show

LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv*", "site", "__pycache__", ".hypothesis", ".*_cache", "*.egg-info")


@pytest.fixture
def whole(tmp_path, site):
    """A copy of the whole project, with what the build of the site has kept."""
    shutil.copytree(ROOT, tmp_path / "project", ignore=LEFT_BEHIND)
    return Project(tmp_path / "project", is_small=False)


def different(one, other):
    """Return the names of files that two sites do not have in common, byte for byte."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def all_kept(log):
    return "figures drawn: 0, calls run: 0" in log


def beside_the_site(project):
    return [path.name for path in project.root.iterdir() if path.name.startswith(".site")]


# The same bytes.


def test_a_warm_build_runs_and_draws_nothing_and_gives_the_same_bytes(small):
    assert all_kept(small.built("--site-dir", "warm"))
    assert different(small.site("warm"), small.site()) == []


@pytest.mark.slow
def test_two_cold_builds_of_the_whole_book_are_the_same_bytes_and_a_warm_one_runs_and_draws_nothing(tmp_path):
    projects = [Project(tmp_path / name, is_small=False) for name in ("one", "two")]
    for project in projects:
        shutil.copytree(ROOT, project.root, ignore=lambda d, names: {*LEFT_BEHIND(d, names), ".cache"} & set(names))
    both = [project.start("build", "--strict") for project in projects]
    for process in both:
        log = process.communicate(timeout=900)[1]
        assert process.returncode == 0, log
        assert re.search(r"calls run: [1-9]", log), log
    one, other = (project.site() for project in projects)
    assert different(one, other) == []
    assert all_kept(projects[0].built())
    assert different(projects[0].site(), one) == []


def properdocs(project, folder):
    """Build a project's site with the fork of mkdocs, and return its files."""
    command = ["properdocs", "build", "--strict", "-f", "mkdocs.yml", "-d", str(folder)]
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=project.root, env=project.environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return Project(folder).site("")


def unsigned(site):
    """Return a site's files without the generator's name, and compressed ones as what they hold."""
    signature = re.compile(rb'<meta name="generator" [^>]*>')
    return {
        name: signature.sub(b"", gzip.decompress(content) if name.endswith(".gz") else content)
        for name, content in site.items()
    }


def test_properdocs_builds_the_same_small_site_but_for_the_generators_name(small, tmp_path):
    built = properdocs(small, tmp_path / "site")
    assert b"ProperDocs" in built["index.html"]
    assert different(unsigned(built), unsigned(small.site())) == []


@pytest.mark.slow
def test_properdocs_builds_the_same_whole_book_but_for_the_generators_name(site, tmp_path):
    whole = Project(ROOT, is_small=False)
    del whole.environment["SOURCE_DATE_EPOCH"]  # the site was built without it
    built = properdocs(whole, tmp_path / "site")
    assert b"ProperDocs" in built["index.html"]
    assert different(unsigned(built), unsigned(Project(site).site(""))) == []


# Numbers, and the calls that give them.


def pages(site):
    return {name: content.decode() for name, content in site.items() if name.endswith(".html")}


def numbers(page):
    """Return each computed number of a page: its attributes, whether it stands in the twin's sentence; its text."""
    twin = re.search(r'<p class="kv-twin".*?</p>', page, re.DOTALL)
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


# The functions of `memory` that do not count K and V.
OF_WEIGHTS = ("weight_bytes", "together", "left_for_cache", "devices_for_weights", "k_width", "k_bytes_per_layer_token")


def may_come_to_the_bytes_of_a_cache(call):
    """Return whether a call's function counts K and V, or may come to one that does."""
    module, _, function = call.partition("(")[0].rpartition(".")
    if module == "kvlab.accounting.memory":
        return function not in OF_WEIGHTS
    return "kvlab.accounting.memory" in store.modules_used_by(module)


def change_the_size_formula(project):
    """Build a project with another formula of the size; return the calls whose numbers changed, by page, and the rest.

    The rest is how many numbers of other functions were looked at, and are what they were.
    """
    sites = [pages(project.site())]
    project.edit("kvlab/accounting/memory.py", SIZE_LINE, SIZE_LINE.replace("2", "3"))
    project.built(KVLAB_DRAFT="1")  # some words are false then
    sites.append(pages(project.site()))
    changed, held = {}, 0
    for name, before, after in ((name, *(site[name] for site in sites)) for name in sites[0]):
        if "kv-refuted" in after or "kv-unmeasured" in after:  # words are missing, and their numbers with them
            still = {attributes["data-from"]: (attributes, shown) for attributes, shown in numbers(after)}
            pairs = [(one, still.get(one[0]["data-from"])) for one in numbers(before)]
            pairs = [(one, other) for one, other in pairs if other and "kv-chosen" not in one[0]["class"]]
        else:
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
    return changed, held


@pytest.mark.parametrize(
    ("project", "page", "other", "at_least"),
    [
        ("small", "theory/size.html", "index.html", 5),
        pytest.param(
            "whole", "theory/05-worked-example.html", "break/00-silent-bugs.html", 500, marks=pytest.mark.slow
        ),
    ],
)
def test_a_changed_formula_changes_what_depends_on_it_in_both_languages_and_nothing_else(
    request, project, page, other, at_least
):
    project = request.getfixturevalue(project)
    if not (project.root / "site").exists():
        project.built()
    changed, held = change_the_size_formula(project)
    assert "kvlab.accounting.memory.kv_cache_bytes" in changed[page]
    assert changed[page] == changed[f"es/{page}"]
    assert changed[other] == changed[f"es/{other}"] == []
    assert held > at_least


def results(calls, project):
    """Return what calls give in a process that knows nothing of a build."""
    script = (
        "import importlib, json, re, sys\n"
        "from pathlib import Path\n"
        "results = {}\n"
        "for call in json.load(sys.stdin):\n"
        "    module = re.search(r'kvlab[.\\w]*', call)[0]\n"
        "    while not (Path(*module.split('.')).is_dir() or Path(*module.split('.')).with_suffix('.py').exists()):\n"
        "        module = module.rpartition('.')[0]\n"
        "    importlib.import_module(module)\n"
        "    import kvlab\n"
        "    results[call] = repr(eval(call, {'kvlab': kvlab}))\n"
        "json.dump(results, sys.stdout)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        cwd=project.root,
        env={**project.environment, "PYTHONPATH": str(project.root)},
        timeout=900,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def check_numbers(project, site, is_looked_at=lambda call: True):
    """Check that the numbers of a site are what their calls give, shown as their page shows numbers; return the calls.

    Those calls alone for which `is_looked_at` is true.
    """
    found = [
        (name, attributes, shown)
        for name, page in pages(site).items()
        for attributes, shown in numbers(page)
        if "kv-chosen" not in attributes["class"] and is_looked_at(attributes["data-from"])
    ]
    calls = sorted({attributes["data-from"] for _, attributes, _ in found})
    given = results(calls, project)
    for name, attributes, shown in found:
        result = given[attributes["data-from"]]
        assert attributes["value"] == result, attributes
        # A page's second summary is in the other language, and its numbers with it.
        other = name.removeprefix("es/") if name.startswith("es/") else f"es/{name}"
        where, text = other if attributes["in-twin"] else name, html.unescape(shown)
        if attributes.get("data-format") == "named" and "checked-claims" not in where:
            assert all_words(text, where), attributes
        else:
            assert text == expected_text(result, attributes, where)
    return calls


def test_every_number_that_a_formula_or_a_table_of_data_gives_is_what_its_call_gives(site):
    closed = ("kvlab.accounting.", "kvlab.catalog.", "kvlab.units.", "kvlab.catalog.claims.")
    calls = check_numbers(Project(ROOT, is_small=False), Project(site).site(""), lambda call: call.startswith(closed))
    assert {prefix for prefix in closed if any(call.startswith(prefix) for call in calls)} == set(closed)


@pytest.mark.slow
def test_every_number_is_what_its_call_gives_in_a_fresh_process(site):
    assert len(check_numbers(Project(ROOT, is_small=False), Project(site).site(""))) > 40


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
    if style == "named":
        function = attributes["data-from"].partition("(")[0].rpartition(".")[2]
        section = "verdicts" if function in ("verdict", "part_verdict") else "word"
        return Words(language)(f"claims.{section}.{value}")
    if isinstance(value, int) and style in ("", "B"):
        return in_style(f"{value:,}", language) + ("\u00a0B" if style else "")
    if style in ("KiB", "MiB"):
        exact = Fraction(value, {"KiB": 1024, "MiB": 1024**2}[style])
        return in_style(f"{half_up(float(exact), 2):,}".rstrip("0").rstrip("."), language) + f"\u00a0{style}"
    if style.startswith("percent"):
        places = int(style.removeprefix("percent") or 0)
        return in_style(f"{half_up(100 * value, places)}", language) + ("\u00a0%" if language == "es" else "%")
    return show(value, style, language)


def half_up(number, places):
    """Return a number rounded as people do, by the decimal module: its own halves away from zero."""
    return Decimal(number).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def in_style(english, language):
    """Return a number as Spanish writes it, by exchanging the signs of the English one."""
    english = english.replace("-", "\u2212")
    if language == "en":
        return english
    whole, _, decimals = english.partition(".")
    digits = whole.replace(",", "")
    return (whole.replace(",", "\u202f") if len(digits) > 4 else digits) + ("," + decimals if decimals else "")


# A mistake, a kill, and two at once.


def slow(*mistake):
    return pytest.param(*mistake, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        # Of each kind that fails at another moment, one: on a page, by a warning of mkdocs, after the last page.
        ("docs/es/index.md", "[[said:quoted]]", "[[siad:quoted]]", "docs/es/index.md:{line}: unknown name 'siad'"),
        ("docs/en/index.md", "theory/size.md#formula", "/theory/size.html#formula", "contains an absolute link"),
        ("docs/es/index.md", "Nada de", '<a href="lost.html">', "es/index.html: its link lost.html leads nowhere"),
        slow("mkdocs.yml", "  - Reference:\n      - reference/speed.md\n", "", 'not included in the "nav"'),
        slow("docs/en/index.md", "theory/size.md#formula", "theory/size.md#nowhere", "nowhere"),
        slow("docs/en/index.md", "theory/size.md", "theory/sizes.md", "theory/sizes.md"),
        slow("docs/en/theory/size.md", "[[form]]", "[[form]] \\frac", "docs/en/theory/size.md:{line}: bad LaTeX"),
        slow("docs/en/theory/size.md", "[[share:percent]]", "some", "'share' is not used in docs/en/theory/size.md"),
        slow("docs/en/theory/size.md", "[[fig rising]]", "[[fig risng]]", "size.md:{line}: unknown name 'risng'"),
        slow("figures_src/words/es.toml", 'tokens = "', 'token = "', "words/es.toml: no word 'sample.tokens'"),
        slow("kvlab/accounting/memory.py", "context * batch", "context**batch", "'context ** batch' is not known"),
        slow("kvlab/accounting/memory.py", "def weight_bytes(", "def weight_bytes((", "kvlab/accounting/memory.py"),
    ],
    ids=lambda value: None,
)
def test_a_mistake_fails_the_build_with_a_sentence_and_leaves_the_last_good_site(small, file, old, new, message):
    last = small.site()
    line = small.edit(file, old, new)
    for _ in range(2):  # what is wrong is not kept: the next build says it too
        code, log = small.build()
        assert code == 1
        assert message.replace("{line}", str(line)) in log
        assert "Traceback" not in log
    assert different(small.site(), last) == []
    assert beside_the_site(small) == []


def test_words_that_are_false_fail_the_build_by_file_and_line_but_in_a_draft_they_are_marked(small):
    small.edit("figures_src/pages/theory_size.py", "cache(64), size)", "size, cache(64))")
    last = small.site()
    code, log = small.build()
    assert code == 1
    for place in ("docs/en/theory/size.md:16", "docs/en/theory/size.md:27", "docs/es/theory/size.md:16"):
        assert f"{place}: " in log
    assert "half as many tokens take less. The results: 131,072, 65,536" in log
    assert "KVLAB_DRAFT=1" in log
    assert different(small.site(), last) == []
    for _ in range(2):  # the second time, the page is kept
        code, log = small.build(KVLAB_DRAFT="1")
        assert code == 0
        assert "docs/es/theory/size.md:16: " in log
    page = (small.root / "site/es/theory/size.html").read_text(encoding="utf-8")
    assert page.count("la mitad de los tokens ocupa menos") == 4
    assert "Menos tokens ocupan menos" not in page
    assert "como mucho" not in page


@pytest.mark.slow
def test_an_anchor_that_has_gone_fails_the_build_though_the_page_that_links_to_it_is_as_it_was(small):
    for language in ("en", "es"):
        small.edit(f"docs/{language}/theory/size.md", "{ #formula }", "{ #formulas }")
    code, log = small.build()
    assert code == 1
    assert "theory/size.md#formula" in log


@pytest.mark.slow
def test_a_missing_translation_fails_the_build_and_is_named(small):
    (small.root / "docs/es/theory/size.md").unlink()
    code, log = small.build()
    assert code == 1
    assert "docs/es/theory/size.md:1: the page is missing" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "written",
    [
        "es/index.html",
        *(pytest.param(file, marks=pytest.mark.slow) for file in ("", "index.html", "assets/preview-es.png")),
    ],
    ids=["in the second language", "at the start", "in the first language", "at the end"],
)
def test_a_build_that_is_killed_leaves_the_last_good_site_and_what_it_kept_is_good(small, written):
    last = small.site()
    small.forget(*PICTURES)
    killed = small.start("build", "--strict", stderr=subprocess.DEVNULL)
    while killed.poll() is None and not list(small.root.glob(f".site.*/{written}")):
        time.sleep(0.005)
    killed.kill()
    assert killed.wait() == -9, "it was over before it could be killed"
    assert different(small.site(), last) == []
    small.built()
    assert different(small.site(), last) == []
    assert beside_the_site(small) == []


def test_two_cold_builds_at_once_do_not_disturb_each_other_and_give_the_same_bytes(small):
    last = small.site()
    small.forget(*PICTURES)
    both = [small.start("build", "--strict") for _ in range(2)]
    logs = [process.communicate(timeout=900)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], logs
    assert different(small.site(), last) == []
    assert beside_the_site(small) == []
    assert all_kept(small.built())


# The live server.


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, page, text):
    """Wait until a served page says `text`: a minute at most."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}") as answer:
                if text in answer.read().decode():
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{page} does not say {text!r}")


def test_the_live_server_shows_a_changed_formula_in_both_languages_after_one_rebuild(small):
    port = free_port()
    with (small.root / "serve.log").open("w+") as log:
        server = small.start("serve", "--dev-addr", f"127.0.0.1:{port}", stderr=log)
        try:
            wait_for(port, "theory/size.html", "128\u00a0KiB")
            small.edit("kvlab/accounting/memory.py", SIZE_LINE, SIZE_LINE.replace("2", "4"))
            wait_for(port, "theory/size.html", "256\u00a0KiB")
            wait_for(port, "es/theory/size.html", "256\u00a0KiB")
            time.sleep(2)  # a second rebuild would have begun by now
        finally:
            server.terminate()
            server.wait(20)
        log.seek(0)
        assert log.read().count("Detected file changes") == 1
