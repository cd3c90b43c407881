"""How a figure is read and judged: against Python's own decimals, and, in a browser, the script of the pages."""

import random
import re
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from kvlab.errors import KvlabError
from kvlab.units import BINARY, DECIMAL
from kvlab.units.quantity import judge, read_figure

LLAMA_4K = 2 * 32 * 32 * 128 * 4096 * 2  # bytes: 2 GiB
SCRIPT = Path(__file__).parents[1] / "figures_src/theme/overrides/assets/lab.js"


def kind(written, expected, counted=False, **mistaken):
    return judge(read_figure(written, counted), expected, mistaken).kind


def mistakes(written, expected, counted=False, **mistaken):
    return judge(read_figure(written, counted), expected, mistaken).mistakes


@pytest.mark.parametrize(
    "written",
    [
        *("131072", "131,072", "131.072", "131 072", "131\u202f072", "131'072", "131_072", "131072 B", "131072bytes"),
        *("128 KiB", "128Ki", "128kib", "128,0 KiB", "0.125 MiB", "0,125 Mi", ".125 MiB", "131.072 kB", "131,072 KB"),
        *("0.131 MB", "0,131 MB", "131 kB", "131,1 kB", "0.000131072 GB", "≈ 131 kB", " 128  KiB ", "131.072,0 B"),
    ],
)
def test_one_number_is_right_in_every_unit_and_with_either_mark(written):
    assert kind(written, 131072) == "right"


@pytest.mark.parametrize(
    "written", ["131073", "131,072 MB", "132 kB", "0.132 MB", "128.1 KiB", "131.0 kB", "1,31072 kB"]
)
def test_what_does_not_come_to_it_is_wrong(written):
    assert kind(written, 131072) == "wrong"


@pytest.mark.parametrize("written", ["0.13 MB", "2 TB"])
def test_fewer_than_three_digits_are_too_few_unless_they_are_all(written):
    assert kind(written, {"0.13 MB": 131072, "2 TB": 2 * 10**12 + 1}[written]) == "few"
    assert kind("2 GiB", LLAMA_4K) == "right"


def test_without_a_unit_a_number_is_exact_or_nearly_right():
    assert [kind(w, 131072) for w in ("131000", "131,000 B", "130000", "140000")] == ["inexact"] * 3 + ["wrong"]
    assert kind("131072.0", 131072) == "right"
    assert kind("131072.4", 131072) == "wrong"


def test_a_half_is_rounded_either_way():
    assert [kind(w, 1005 * 10**6 // 2) for w in ("502 MB", "503 MB", "501 MB")] == ["right", "right", "wrong"]


def test_a_count_takes_no_unit_but_its_own_and_has_no_second_unit():
    assert kind("53,248 tokens", 53248, counted=True) == "right"
    assert mistakes("52000", 53248, counted=True) == ()
    assert mistakes("52000", 53248) == ("units",)
    for written in ("53 KiB", "52k", "53248 B"):
        with pytest.raises(KvlabError, match="write a plain number"):
            read_figure(written, counted=True)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "is not a number above 0"),
        ("0 KiB", "is not a number above 0"),
        ("-5 KiB", "is not a number above 0"),
        ("1,00,000", "is not a number above 0"),
        ("1,048.576,5", "is not a number above 0"),
        ("5.", "is not a number above 0"),
        ("1e9", "is not a number above 0|has the unit"),
        ("٣ KiB", "is not a number above 0"),
        ("9" * 70, "is not a number above 0"),
        ("24G", "write GB or GiB: they differ"),
        ("24 k", "write kB or KiB: they differ"),
        ("24 Gb/s", "is not a number above 0"),
        ("24 PB", "has the unit 'PB'; write B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(written, said):
    with pytest.raises(KvlabError, match=said):
        read_figure(written)


def test_a_number_with_the_other_units_name_is_found_out():
    assert (
        mistakes("2.15 GiB", LLAMA_4K) == mistakes("2 GB", LLAMA_4K) == mistakes("2000000000", LLAMA_4K) == ("units",)
    )
    assert mistakes("2.00 GB", LLAMA_4K) == ("units",)
    assert mistakes("2.15 GB", LLAMA_4K) == ()
    assert mistakes("2.10 GB", LLAMA_4K) == ()


def test_all_mistakes_that_fit_are_named_in_their_order():
    assert mistakes("4 GiB", LLAMA_4K, one=LLAMA_4K // 2, two=2 * LLAMA_4K, again=2 * LLAMA_4K) == ("two", "again")
    assert mistakes("4.29 GB", LLAMA_4K, two=2 * LLAMA_4K) == ("two",)
    assert mistakes("4294967296", LLAMA_4K, two=2 * LLAMA_4K) == mistakes("4295000000", LLAMA_4K, two=2 * LLAMA_4K)
    assert mistakes("4294967297", LLAMA_4K, two=2 * LLAMA_4K) == ()
    assert mistakes("1 GB", LLAMA_4K, units=10**9) == ("units",)


# By a second route: Python's decimals, which round at a place by themselves.


def comes_to(exact, shown):
    """Say whether a fraction is shown as this decimal where it is rounded to as many places, a half up or down."""
    place = Decimal(1).scaleb(shown.as_tuple().exponent)
    scaled = Decimal(exact.numerator) / Decimal(exact.denominator)  # 28 digits: more than any of these has
    return any(scaled.quantize(place, rounding=way) == shown for way in (ROUND_HALF_UP, ROUND_HALF_DOWN))


def test_a_figure_is_right_where_pythons_decimals_round_to_it():
    rng = random.Random(7)
    found = []
    for _ in range(3000):
        unit, scale = rng.choice([*list(DECIMAL.items())[1:], *list(BINARY.items())[1:]])
        expected = rng.randrange(1, 2000) * 2 ** rng.randrange(0, 30)
        near = Fraction(expected, scale) * rng.choice([1, Fraction(1001, 1000), Fraction(999, 1000)])
        shown = Decimal(f"{float(near):.{rng.randrange(1, 6)}f}")
        if not shown:
            continue
        digits = len(str(shown).replace(".", "").lstrip("0"))
        is_right = comes_to(Fraction(expected, scale), shown)
        said = kind(f"{shown} {unit}", expected)
        if said != "right" or digits >= 3 or Fraction(shown) * scale != expected:
            # A decimal of three places could be read as thousands; here it is below a thousand, or has another number.
            expected_kind = ("right" if digits >= 3 else "few") if is_right else "wrong"
            if not re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", str(shown)) or is_right:
                assert said == expected_kind, (str(shown), unit, expected)
        found.append(said)
    assert {name: found.count(name) > 100 for name in ("right", "few", "wrong")} == dict.fromkeys(
        ("right", "few", "wrong"), True
    )


# The script of the pages.

RUN = """([script, cases]) => {
  const { readFigure, judge } = new Function(`${script}; return { readFigure, judge }`)();
  return cases.map(([written, counted, expected, mistaken]) => {
    const figure = readFigure(written, counted);
    if (figure.fault) return "unread";
    const gives = Object.fromEntries(Object.entries(mistaken).map(([name, value]) => [name, BigInt(value)]));
    const { kind, mistakes } = judge(figure, BigInt(expected), gives);
    return [kind, ...mistakes].join(" ");
  });
}"""
UNITS = [
    "",
    " B",
    "bytes",
    "kB",
    "KB",
    " MB",
    "GB",
    "TB",
    " KiB",
    "MiB",
    " GiB",
    "TiB",
    "Ki",
    "gi",
    "G",
    "k",
    "PB",
    "tokens",
    "bit",
]
MARKS = [",", ".", "'", " ", "\u202f", "_", ""]


def written_figures(rng, count):
    """Return figures as people type them, many of them nearly right, and some that nobody can read."""
    for _ in range(count):
        expected = rng.choice([1024, 131072, 53248, LLAMA_4K, 9 * 2**19, rng.randrange(1, 10**13)])
        unit = rng.choice(UNITS)
        scale = {**DECIMAL, **BINARY}.get(unit.strip(), 1)
        number = Fraction(expected, scale) * rng.choice(
            [1, 1, 2, Fraction(1, 2), 8, Fraction(1024, 1000), Fraction(1001, 1000)]
        )
        text = f"{float(number):.{rng.randrange(0, 5)}f}" if rng.random() < 0.8 else str(round(number))
        if rng.random() < 0.2:
            text = str(round(number, 3 - len(str(int(number)))) if number >= 1000 else round(number))
        if rng.random() < 0.4:
            group, point = rng.choice(MARKS), rng.choice(".,")
            text = re.sub(r"(?<=\d)(?=(\d{3})+(?:\.|$))", lambda _, group=group: group, text.split(".")[0]) + (
                point + text.split(".")[1] if "." in text else ""
            )
        if rng.random() < 0.1:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice([".", ",", " ", "-", "x", "0", "'", ""]) + text[at:]
        yield text + unit, rng.random() < 0.2, expected


def by_python(written, counted, expected, mistaken):
    try:
        verdict = judge(read_figure(written, counted), expected, mistaken)
    except KvlabError:
        return "unread"
    return " ".join([verdict.kind, *verdict.mistakes])


def test_the_script_of_the_pages_reads_and_judges_as_python_does(browser):
    text = SCRIPT.read_text(encoding="utf-8")
    script = text[text.index("// ---- A figure: how it is read") : text.index("// ---- What the reader is told")]
    cases = [
        (written, counted, expected, {"half": expected // 2, "double": 2 * expected, "eight": 8 * expected})
        for written, counted, expected in written_figures(random.Random(3), 4000)
    ]
    page = browser.new_page()
    told = [[w, counted, str(e), {name: str(v) for name, v in m.items()}] for w, counted, e, m in cases]
    got = page.evaluate(RUN, [script, told])
    page.close()
    expected = [by_python(*case) for case in cases]
    assert [(case, a, b) for case, a, b in zip(cases, got, expected, strict=True) if a != b] == []
    kinds = {one.split()[0] for one in expected} | {name for one in expected for name in one.split()[1:]}
    assert kinds == {"unread", "right", "few", "inexact", "wrong", "half", "double", "eight", "units"}
