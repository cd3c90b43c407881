"""What a page says where a measurement is missing, too noisy, or older than the code."""

import json
import shutil
import subprocess
import sys

import pytest
from pinned import RESULTS, pinned
from test_book import Desk, Point

from figures_src import store
from figures_src.book import measurements as measured_room
from figures_src.declared.page import Shown
from figures_src.declared.values import call
from figures_src.pages.shared.measurements import measured
from figures_src.plots.style import new_figure
from kvlab import units
from kvlab.benchmark import record

NOT_MEASURED = "has not been measured on the machine that built this page"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A page that quotes a measurement in prose, in a table and in a figure; there is no record yet."""
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path / "records"))
    monkeypatch.setattr("figures_src.declared.values._seen", {})
    measured_room.stale.cache_clear()
    desk = Desk(tmp_path, monkeypatch)
    page = desk.page
    speed = page.reuse("speed", measured("bench.mini.decode_us_per_token"))
    page.reuse("half", call(units.ratio, numerator=speed, denominator=2))

    @page.table
    def timings(words):
        return [["MiniGPT", Shown(speed, "fixed1")], ["one", Shown(page.values["size"])]]

    def draw(rows, words, palette):
        figure, [ax] = new_figure(palette, 100)
        ax.plot([row.x for row in rows], [row.y for row in rows])
        return figure

    page.figure("curve", lambda: [Point(1, speed.result)], draw, measured=True)
    yield desk
    measured_room.stale.cache_clear()


def test_a_paragraph_that_quotes_a_missing_measurement_says_so_instead_and_the_others_stay(desk):
    html = desk.render("A step takes [[speed:fixed1]] µs.\n\nAll of [[size:KiB]].")
    assert "A step takes" not in html
    assert f'<p class="kv-unmeasured">This {NOT_MEASURED}' in html
    assert "All of <data" in html


def test_paragraphs_that_follow_one_another_give_way_to_one_sentence(desk):
    html = desk.render(
        "It takes [[speed:fixed1]].\n\nHalf is [[half:fixed1]].\n\n[[size:KiB]].\n\n[[speed:fixed1]] again."
    )
    assert html.count("kv-unmeasured") == 2


def test_a_figure_whose_words_quote_a_missing_measurement_gives_way_and_counts_as_used(desk):
    html = desk.render("[[fig line]]\nalt: It ends at [[speed:fixed1]] µs.\nThe caption.")
    assert "<figure" not in html
    assert html.count("kv-unmeasured") == 1
    assert desk.book.records.used["theory/example", "en"] >= {"line", "speed"}


def test_a_call_that_reads_a_missing_measurement_gives_way(desk):
    html = desk.render("[[call speed]]")
    assert "<pre>" not in html
    assert NOT_MEASURED in html


def test_with_a_record_it_is_said_with_its_number_and_its_call(desk):
    record.keep(pinned())
    html = desk.render("A step takes [[speed:fixed1]] µs, half of it [[half:fixed1]].")
    assert "kv-unmeasured" not in html
    assert "data-from=\"kvlab.benchmark.record.measured(path='bench.mini.decode_us_per_token')\"" in html.replace(
        "&#x27;", "'"
    )
    assert ">107.5</data>" in html
    assert ">53.8</data>" in html
    assert "kv-stale" not in html


def test_what_depends_on_a_missing_measurement_is_missing_too(desk):
    assert "Half of it" not in desk.render("Half of it: [[half]].")


def test_of_a_list_only_the_item_is_replaced(desk):
    html = desk.render("1. All of [[size:KiB]].\n2. A step: [[speed:fixed1]].\n3. A third.")
    assert html.count("<li>") == 3
    assert html.count("kv-unmeasured") == 1
    assert "A step" not in html
    assert "A third." in html


def test_a_name_that_could_not_be_shown_counts_as_used(desk):
    desk.render("A step takes [[speed:fixed1]] µs, [[share]] of it.")
    assert {"speed", "share"} <= desk.book.records.used["theory/example", "en"]


def test_a_name_in_the_caption_of_a_figure_that_could_not_be_drawn_counts_as_used(desk):
    desk.render("[[fig curve]]\nalt: [[share:percent]] of it\nAll of [[size:KiB]].")
    assert {"curve", "share", "size"} <= desk.book.records.used["theory/example", "en"]


def test_a_figure_without_its_measurement_gives_way_and_nothing_of_it_is_written(desk):
    html = desk.render("[[fig curve]]\nalt: a curve\nTimes.")
    assert NOT_MEASURED in html
    assert "<figure" not in html
    assert not desk.book.records.assets
    assert "curve" in desk.book.records.used["theory/example", "en"]


def test_a_figure_whose_caption_cannot_be_said_gives_way(desk):
    html = desk.render("[[fig line]]\nalt: a line\nIt takes [[speed]].")
    assert NOT_MEASURED in html
    assert "<figure" not in html
    assert "line" in desk.book.records.used["theory/example", "en"]


def test_a_table_keeps_its_other_cells(desk):
    html = desk.render("[[table timings]]\n| | µs |\nTimes.")
    assert "<td" in html
    assert "not measured</td>" in html
    assert ">131,072</data>" in html


def test_the_sentence_is_in_the_pages_language(desk):
    assert "no se ha medido" in desk.render("Un paso: [[speed]].", "es")


def test_a_busy_machine_is_named_as_the_reason(desk):
    mini = RESULTS["bench"]["mini"] | {"noise": 0.5}
    record.keep(pinned(results=RESULTS | {"bench": RESULTS["bench"] | {"mini": mini}}))
    assert "too busy while this was measured" in desk.render("A step: [[speed]].")


def test_a_number_and_a_figure_from_before_the_code_changed_are_marked(desk):
    record.keep(pinned(key="earlier"))
    html = desk.render("A step: [[speed:fixed1]]. All of [[size:KiB]].\n\n[[fig curve]]\nalt: a curve\nTimes.")
    assert html.count("(measured earlier: with other code, libraries or machine)") == 1
    assert "</data><small" in html
    assert "Times. Measured earlier, with other code, libraries or machine." in html


def test_a_table_with_a_measurement_from_before_says_so_in_its_caption_and_another_does_not(desk):
    record.keep(pinned(key="earlier"))
    assert "Times. Measured earlier" in desk.render("[[table timings]]\n| | µs |\nTimes.")
    assert "Sizes.</p>" in desk.render("[[table sizes]]\n| Model | $S$ |\nSizes.")


def test_a_measurement_that_contradicts_its_sentence_is_not_printed_with_it(desk):
    record.keep(pinned())
    desk.page.reuse("fast", measured("bench.mini.decode_us_per_token", at_most=50))
    html = desk.render("It is fast: [[fast]].")
    assert "does not bear out what should stand here" in html
    assert "It is fast" not in html


def test_every_time_that_a_page_may_quote_stands_beside_its_noise():
    for part, figures in RESULTS["bench"].items():
        if part != "rounds":
            assert "noise" in figures, part


def test_a_measurement_is_never_kept_as_a_result(desk, monkeypatch):
    record.keep(pinned())
    assert measured("bench.mini.decode_us_per_token").result == 107.5
    mini = RESULTS["bench"]["mini"] | {"decode_us_per_token": 99.0}
    record.keep(pinned(results=RESULTS | {"bench": RESULTS["bench"] | {"mini": mini}}))
    monkeypatch.setattr("figures_src.declared.values._seen", {})
    assert measured("bench.mini.decode_us_per_token").result == 99.0


# What a page of the book says of a measurement once a source has changed: the live server, which measures nothing.
PAGE = """
import json
from figures_src.book.measurements import stale_mark
from figures_src.declared.page import Shown
from figures_src.pages import experiments_kv_cost, index, reference_speed
from figures_src.words import Words
from kvlab.benchmark import record

def shown(value):
    try:
        return f"{value.result:.6g}{' earlier' if stale_mark(value, Words('en')) else ''}"
    except record.NotMeasuredError as error:
        return error.reason

def row(page, table, index):
    return [shown(cell.value) for cell in page.tables[table](Words("en"))[index] if isinstance(cell, Shown)]

print(json.dumps({
    "would_measure": not record._is_current(),
    "memory": row(experiments_kv_cost.page, "memory_points", 0),
    "error": shown(experiments_kv_cost.page.values["memory_error"]),
    "done": shown(index.page.values["memory_error"]),
    "cached": shown(experiments_kv_cost.page.values["cached_error"]),
    "saved": shown(reference_speed.page.values["uncached_over_cached"]),
}))
"""


@pytest.fixture
def pages_after(tmp_path, monkeypatch):
    """Return what pages say with a pinned record of the sources as they are, after an edit of a copy of these."""
    monkeypatch.setenv("KVLAB_RECORDS", str(tmp_path / "records"))
    record.keep(pinned())
    for room in ("kvlab", "figures_src"):
        shutil.copytree(store.ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))

    def quoted_after(path="", old="", new=""):
        if path:
            text = (tmp_path / path).read_text(encoding="utf-8")
            assert old in text
            (tmp_path / path).write_text(text.replace(old, new, 1), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        run = subprocess.run([sys.executable, "-c", PAGE], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return quoted_after


def test_pages_quote_a_record_of_the_sources_as_they_are_without_a_mark(pages_after):
    quoted = pages_after()
    assert not quoted["would_measure"]
    # By the formula, from the allocator, and their distance: 16,384 bytes, one per cent more, and what that is of it.
    assert quoted["memory"] == ["16", "16384", "16548", "-0.00990099"]
    assert quoted["error"] == quoted["done"] == "0.00990099"
    assert quoted["saved"] == "9.5"
    assert "earlier" not in str(quoted)


def test_a_changed_formula_changes_prediction_and_error_and_leaves_the_measurement(pages_after):
    quoted = pages_after("kvlab/accounting/memory.py", "return 2 * n_layers", "return 3 * n_layers")
    assert not quoted["would_measure"]
    assert quoted["memory"] == ["16", "24576", "16548", "0.485149"]
    # Nor does a page say that it is within 10 %.
    assert quoted["error"] == quoted["done"] == "contradicted"


@pytest.mark.parametrize(
    "edit",
    [
        ("kvlab/training/minigpt/config.json", '"n_head": 4', '"n_head": 2'),
        (
            "kvlab/decoding/generation.py",
            "    return int(_finite",
            "    __import__('time').sleep(0.02)\n    return int(_finite",
        ),
    ],
    ids=["checkpoint", "generation"],
)
def test_what_another_model_or_another_program_took_is_marked_and_measured_again(pages_after, edit):
    quoted = pages_after(*edit)
    assert quoted["would_measure"]
    numbers = (*quoted["memory"][2:], *(quoted[name] for name in ("error", "done", "cached", "saved")))
    assert all(number.endswith(" earlier") for number in numbers)
    assert quoted["memory"][1] == "16384"  # a formula's number is no measurement
