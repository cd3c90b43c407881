"""The reference pages: what they list is all that there is, and a new entry appears or fails here by its name."""

import dataclasses
import re

import pytest

from figures_src.declared.page import Shown
from figures_src.errors import BookError
from figures_src.markup.math import in_lines, to_mathml
from figures_src.pages import (
    reference_devices,
    reference_formulas,
    reference_formulas_work,
    reference_models,
    reference_shapes,
)
from figures_src.pages.shared.sourced import read_cell, source_cell
from figures_src.words import Words, numbers
from kvlab import catalog, formula, units
from kvlab.catalog.published import published_figures
from kvlab.catalog.sources import Source
from kvlab.errors import KvlabError
from kvlab.formula import contents


@pytest.fixture(params=["en", "es"])
def words(request):
    return Words(request.param)


# Formulas.


def cells(page, words, prefix):
    return [row for name, make in page.tables.items() if name.startswith(prefix) for row in make(words)]


def test_every_function_of_the_accounting_has_a_row_and_its_unit(words):
    rows = [row for sheet in (reference_formulas, reference_formulas_work) for row in cells(sheet.page, words, "of_")]
    listed = [row[0].split("`")[1] for row in rows]
    others = [row[1].strip("`").split(".")[1] for row in reference_formulas.no_formulas(words)]
    known = [name for inside in contents.functions().values() for name in inside]
    assert sorted(listed + others) == sorted(known)
    assert all(row[2] for row in rows)


def test_every_symbol_of_a_formula_has_its_meaning_in_one_of_the_legends(words):
    rows = cells(reference_formulas.page, words, "symbols") + cells(reference_formulas.page, words, "more_symbols")
    assert sorted(row[1].strip("`") for row in rows) == sorted(formula.SYMBOLS)
    symbols = [row[0].split("$")[1] for row in rows]
    assert len(set(symbols)) == len(symbols)


def test_the_unit_is_read_from_the_functions_name_or_asked_for():
    assert reference_formulas.unit_of("kv_elements_per_token") == "elements"
    assert reference_formulas.unit_of("together") == "bytes"
    with pytest.raises(BookError, match="unit of wheels"):
        reference_formulas.unit_of("wheels")


def test_a_formula_that_nobody_has_described_is_refused_by_its_name(words):
    def wheels_bytes(n_layers: int) -> int:
        return 4 * n_layers

    with pytest.raises(BookError, match=r"'quantity\.wheels_bytes'"):
        reference_formulas.sheet(words, {"wheels_bytes": wheels_bytes})


def test_a_long_sum_has_a_line_for_each_of_its_terms():
    assert in_lines(r"a \cdot \left(b + c\right)") == r"a \cdot \left(b + c\right)"
    assert in_lines(r"a_{b + c} + \frac{d - e}{f} - g") == (
        r"\begin{aligned} & a_{b + c} \\ & {} + \frac{d - e}{f} \\ & {} - g \end{aligned}"
    )
    assert to_mathml(in_lines("a + b"), True).count("<mtr>") == 2


# Models.

MODEL_TABLES = (
    reference_shapes.model_shapes,
    reference_models.model_sizes,
    reference_models.at_their_limits,
    reference_shapes.model_sources,
)


def shown(cell):
    return numbers.show(cell.value.result, cell.format, "en") if isinstance(cell, Shown) else cell


def rows_of(table, words):
    return {row[0]: [shown(cell) for cell in row[1:]] for row in table(words)}


@pytest.mark.parametrize("table", MODEL_TABLES, ids=lambda table: table.__name__)
def test_every_model_of_the_catalog_has_one_row_in_each_table(table, words):
    names = [row[0] for row in table(words)]
    assert sorted(names) == sorted(entry.name for entry in catalog.all_models())


def test_models_stand_by_family_and_within_one_as_the_catalog_has_them():
    names = [entry.name for entry in reference_models.ZOO]
    families = [re.match("[A-Za-z]+", name)[0].casefold() for name in names]
    assert families == sorted(families)
    in_catalog = [entry.name for entry in catalog.all_models()]
    for one in set(families):
        of_family = [name for name in names if name.casefold().startswith(one)]
        assert of_family == [name for name in in_catalog if name in of_family]


def test_the_rows_of_known_models_have_their_published_numbers(words):
    assert rows_of(reference_shapes.model_shapes, words)["Llama-2-70B"] == [
        "80", "8,192", "64", "8", "128", "28,672", "32,000",
    ]  # fmt: skip
    assert rows_of(reference_shapes.model_shapes, words)["DeepSeek-V3"][3:5] == ["1", "576"]
    nbsp = "\u00a0"
    assert rows_of(reference_models.model_sizes, words)["Llama-2-7B"] == [
        "6,738,415,616",
        f"13.48{nbsp}GB (12.55{nbsp}GiB)",
        f"524,288{nbsp}B",
    ]
    assert rows_of(reference_models.at_their_limits, words)["GPT-3 175B"] == [
        "2,048",
        f"9.66{nbsp}GB (9{nbsp}GiB)",
        "2.8%",
    ]


def test_the_models_with_a_window_are_those_whose_configuration_has_one(words):
    rows = rows_of(reference_shapes.windows, words)
    assert set(rows) == {e.name for e in catalog.all_models() if any(g.window is not None for g in e.decoder.layers)}
    assert rows["Gemma-3-27B"][:3] == ["52", "10", "1,024"]
    assert rows["Mistral-7B-v0.1"][1] == "0"
    assert rows["Mistral-7B-v0.1"][-1] == "0\u00a0B"


# Published figures.

# What a shown number has to say of the printed one, where the print is rounded or counts something besides.
ROUNDED = {"15.7K": "15,728", "9.7K": "9,557", "60.1K": "60,074"}
# An exact half of the last digit, which the program that printed it rounds to the even one, and people round up.
HALVES = {"1166.62 MiB": "1,166.63"}
FRACTIONS = {"q8_0 34/32 B": "1.0625", "q4_0 18/32 B": "0.5625"}


def test_every_figure_that_follows_from_a_formula_stands_beside_what_the_formula_gives(words):
    rows = [[shown(cell) for cell in row] for row in reference_models.published(words)]
    printed = {row[1].strip("`"): row[2] for row in rows}
    follow = [figure for figure in published_figures() if figure.from_formula]
    assert list(reference_models.COMPUTED) == [figure.name for figure in follow]
    assert all(part in " / ".join(figure.published for figure in follow) for part in printed)
    for part, computed in printed.items():
        expected = (ROUNDED | FRACTIONS).get(part)
        if expected is None:
            number = HALVES.get(part, re.match(r"[\d.]+", part)[0])
            assert float(re.match(r"[\d.,]+", computed)[0].replace(",", "")) == float(number.replace(",", ""))
        else:
            assert computed == expected


# Devices.


def test_every_accelerator_has_its_rows_and_every_processor_one(words):
    names = [entry.name for entry in catalog.accelerators()]
    for table in (reference_devices.device_memory, reference_devices.device_speed):
        assert [row[0] for row in table(words)] == names
    processors = [entry.name for entry in catalog.processors()]
    assert [row[0] for row in reference_devices.processor_caches(words)] == processors
    assert [row[0] for row in reference_devices.device_sources(words)] == names + processors


def test_no_device_reports_less_than_its_name_in_gb_or_more_than_its_name_in_gib():
    for device in catalog.accelerators():
        as_gib = device.marketed.replace("GB", "GiB")
        assert units.parse_size(device.marketed) <= device.memory_bytes <= units.parse_size(as_gib), device.name


def test_the_rows_of_a_device_are_those_of_its_data_sheet(words):
    memory = rows_of(reference_devices.device_memory, words)["A100 40GB"]
    assert memory == ["40 GB", "40,960", "42.95\u00a0GB (40\u00a0GiB)", "107.4%", "100.0%"]
    speed = rows_of(reference_devices.device_speed, words)["RTX 4090"]
    assert speed[:3] == ["1,008\u00a0GB/s", "165.2\u00a0TFLOP/s", "164"]
    assert float(speed[3]) == pytest.approx(24564 * 2**20 / 1008e9, abs=1e-4)


# Sources.


def test_every_source_of_the_catalog_but_this_project_has_its_address(words):
    minigpt, *models = catalog.all_models()
    sourced = [entry.sources for entry in (*models, *catalog.accelerators(), *catalog.processors())]
    sourced += [[entry.parameters_source] for entry in models if entry.parameters_source]
    sourced += [[figure.source] for figure in published_figures()]
    for sources in sourced:
        assert all(one.link.title and one.link.url.startswith("https://") for one in sources)
        assert all(one.link.url in source_cell(sources, words) for one in sources)
        assert all(one.read in read_cell(sources, words) for one in sources)
    assert [one.link.url for one in minigpt.sources] == [""]
    with pytest.raises(KvlabError, match="no address for 'hearsay'"):
        _ = Source("hearsay", "2026-11-29").link


def test_a_source_is_a_link_with_what_it_holds_and_this_project_a_word():
    english, gpt_fast = Words("en"), Source("gpt-fast", "2026-11-21", holds=("speed",))
    here = Source("this project", "at build")
    assert source_cell([gpt_fast, here], english) == (
        "[gpt-fast, README.md](https://github.com/meta-pytorch/gpt-fast) (`speed`); this project"
    )
    assert read_cell([gpt_fast, gpt_fast], english) == "<time>2026-11-21</time>"
    assert read_cell([here], english) == "at build"


def test_the_row_of_a_model_says_whether_its_parameters_are_those_that_a_file_prints():
    english, llama = Words("en"), catalog.model("Llama-3.1-8B")
    assert reference_shapes.status(llama, english).startswith("counted, and equal to a published number ([keras-hub")
    wrong = dataclasses.replace(llama, published_parameters=8_030_261_247)
    assert reference_shapes.status(wrong, english).startswith("counted, and different from a published number")
    assert reference_shapes.status(catalog.model("Qwen2.5-7B"), english) == "counted from the shapes"
