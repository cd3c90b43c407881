"""The first lab: its fields check what is written, say what is wrong, keep it, and write it out."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from figures_src.words import LANGUAGES, Words
from kvlab.catalog import mistakes, sizes

LAB = {"en": "labs/00-derive-cache-size.html", "es": "es/labs/00-derive-cache-size.html"}
SCRIPT = "assets/lab.js"
KEY = "kvlab.lab.00-derive-cache-size"
# Writes into a field as a reader does who leaves it, and returns what is said of it.
ANSWER = """answers => answers.map(([name, text, isMarked]) => {
  const place = document.querySelector(`.kv-field[data-name=${name}]`);
  const [entry, tick] = [place.querySelector("[name]"), place.querySelector("[type=checkbox]")];
  entry.value = text;
  if (tick) tick.checked = isMarked ?? false;
  for (const event of ["input", "change"]) entry.dispatchEvent(new Event(event, { bubbles: true }));
  return [place.dataset.state, place.querySelector("output")?.textContent];
})"""
TOKEN_OF_MINI = [
    *("1024", "1,024", "1.024", "1 024", "1024 B", "1 KiB", "1Ki", "1.00 KiB", "1,00 KiB", "1.02 kB", "1,02 kB"),
    *("0.00102 MB", "0,00102 MB", "0.000977 MiB", "1.024 KB", "1,024 kb"),
]
MINI, MISTRAL, LLAMA_70B, LLAMA_4K = "minigpt_token", "mistral_7b_v0_1_k32", "llama_2_70b_token", "llama_2_7b_k4"


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """Each of the book's languages."""
    return str(request.param)


@pytest.fixture(scope="module")
def opened(browser: Browser, server: str, language: str) -> Iterator[Page]:
    """The lab's page, opened once for many tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{server}/{LAB[language]}")
    yield page
    context.close()


@pytest.fixture
def lab(opened: Page) -> Page:
    """The lab's page with every field empty and nothing kept, as on a first visit."""
    opened.emulate_media(media="screen")
    opened.evaluate("localStorage.clear(); fillIn({})")
    return opened


def told(page: Page, *answers: tuple[str, str] | tuple[str, str, bool]) -> list[tuple[str, str]]:
    """Return what each answer is, and what is said of it."""
    return [(state, says) for state, says in page.evaluate(ANSWER, answers)]


def test_right_answers_are_right_in_every_unit_and_with_either_mark(lab: Page, language: str) -> None:
    answers = [(MINI, text) for text in TOKEN_OF_MINI]
    assert told(lab, *answers) == [("right", Words(language)("lab.right"))] * len(answers)


def test_the_exact_number_of_every_field_is_what_kvlab_computes(lab: Page) -> None:
    expected = lab.locator(".kv-field[data-expected]").evaluate_all(
        "all => Object.fromEntries(all.map(field => [field.dataset.name, field.dataset.expected]))"
    )
    found = list(expected.values())[: 3 * len(mistakes.LAB_MODELS)]
    assert found == [
        str(sizes.cache_bytes(model, context, 1, dtype))
        for model, dtype in mistakes.LAB_MODELS
        for context in mistakes.LAB_CONTEXTS
    ]
    assert {name: int(number) for name, number in list(expected.items())[len(found) :]} == {
        **{"binary_free": 26 * 2**30, "binary_1": 53248, "binary_8": 6656},
        **{"decimal_free": 40 * 10**9 - 14 * 2**30, "decimal_1": 47621, "decimal_8": 5952},
        **{"exact_free": 40 * 2**30 - 2 * 6738415616, "exact_1": 56214, "exact_8": 7026},
        **{"weights_fp16": 2 * 174604259328, "devices_fp16": 5, "weights_int8": 174604259328, "devices_int8": 3},
        **{"ratio_token": 4, "ratio_window": 32, "ratio_no_window": 4},
        **{"unused_slots": 31744, "unused_bytes": 496 * 2**30},
    }


def test_a_wrong_answer_is_told_every_mistake_that_gives_it(lab: Page, language: str) -> None:
    words = Words(language)
    wrong = {
        (MINI, "512"): ("two_lost", "element_size", "one_layer"),
        (MINI, "8 KiB"): ("bits",),
        (LLAMA_70B, "2.5 MiB"): ("query_heads", "bits"),
        (LLAMA_70B, "2,50 MiB"): ("query_heads", "bits"),
        (LLAMA_4K, "2.15 GiB"): ("units",),
        (LLAMA_4K, "2,10 GB"): ("thousand",),
        (LLAMA_4K, "15.6 GB"): ("weights",),
        (MISTRAL, "4.00 GiB"): ("bits", "window"),
        ("binary_8", "53,248"): ("batch",),
        ("binary_8", "5952"): ("units",),
        ("devices_fp16", "3"): ("element_size",),
    }
    for (answer, names), (state, says) in zip(wrong.items(), told(lab, *wrong), strict=True):
        causes = words("lab.or").join(words(f"lab.mistake_{name}") for name in names)
        assert (state, says) == ("wrong", f"{words('lab.wrong')}{words('lab.if')}{causes}."), answer


def test_what_is_nearly_right_or_cannot_be_read_is_told_so(lab: Page, language: str) -> None:
    words = Words(language)
    answers = {
        (LLAMA_4K, "2.1 GB"): ("nearly", "few"),
        (LLAMA_4K, "2147000000"): ("nearly", "inexact"),
        ("binary_1", "53000"): ("nearly", "uncounted"),
        (MINI, "1025"): ("wrong", "unexplained"),
        (MINI, "1 K"): ("wrong", "two_units"),
        (MINI, "1 shoe"): ("wrong", "unit"),
        (MINI, "a lot"): ("wrong", "unreadable"),
        ("ratio_token", "4 KiB"): ("wrong", "plain"),
    }
    for (answer, (state, word)), (is_, says) in zip(answers.items(), told(lab, *answers), strict=True):
        assert is_ == state, answer
        assert says.startswith(words(f"lab.{word}")), answer
    assert told(lab, (MINI, "  ")) == [("", "")]
    [(_, says)] = told(lab, (LLAMA_4K, "2.1 GB"))
    assert says == f"{words('lab.few')}{words('lab.also')}{words('lab.mistake_thousand')}."


def test_a_context_beyond_the_limit_has_to_be_marked_and_no_other(lab: Page, language: str) -> None:
    words = Words(language)
    assert told(lab, ("minigpt_k4", "4 MiB"), ("minigpt_k4", "4 MiB", True)) == [
        ("nearly", words("lab.mark_it")),
        ("right", words("lab.right")),
    ]
    assert told(lab, (MISTRAL, "512 MiB", True), (MISTRAL, "512 MiB")) == [
        ("nearly", words("lab.unmark_it")),
        ("right", words("lab.right")),
    ]


def test_the_mark_is_asked_for_where_the_model_is_made_for_less(lab: Page) -> None:
    fields = lab.locator(".kv-field[data-beyond]").evaluate_all("all => all.map(field => field.dataset.beyond)")
    assert fields == [
        "yes" if sizes.over_limit(model, context) else "no"
        for model, _ in mistakes.LAB_MODELS
        for context in mistakes.LAB_CONTEXTS[1:]
    ]


def answered(lab: Page) -> None:
    """Answer one number, one with its mark, one wrongly, and one text."""
    told(lab, (MINI, "1 KiB"), ("minigpt_k4", "4 MiB", True), (LLAMA_70B, "2.5 MiB"), ("own_errors", "I took *bits*."))


def test_what_was_written_is_there_again_and_judged_in_both_languages(lab: Page, server: str, language: str) -> None:
    answered(lab)
    progress = [int(number) for number in lab.locator(".kv-work output").inner_text().split() if number.isdigit()]
    assert progress == [2, 36, 1, 8]
    for path in (*LAB.values(), LAB[language]):
        lab.goto(f"{server}/{path}")
        shown = lab.locator(".kv-field [name]").evaluate_all(
            "all => Object.fromEntries(all.filter(one => one.value).map(one => [one.name, one.value]))"
        )
        assert shown == {MINI: "1 KiB", "minigpt_k4": "4 MiB", LLAMA_70B: "2.5 MiB", "own_errors": "I took *bits*."}
        assert lab.locator("[data-state=right]").count() == 2
        assert lab.locator("[data-state=wrong]").count() == 1
        assert lab.locator(".kv-field :checked").count() == 1


def test_everything_can_be_cleared_and_only_if_the_reader_says_so(lab: Page, language: str) -> None:
    answered(lab)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) == 2 else dialog.dismiss()

    lab.on("dialog", answer)  # the only test that is asked
    lab.locator("[data-does=clear]").click()
    assert lab.locator("[data-state=right]").count() == 2
    lab.locator("[data-does=clear]").click()
    assert asked == [Words(language)("lab.sure")] * 2
    assert lab.locator(".kv-field [data-state]:not([data-state=''])").count() == 0
    assert lab.evaluate(f"localStorage.getItem('{KEY}')") == "{}"
    lab.reload()
    assert lab.locator(".kv-field [name]").evaluate_all("all => all.map(one => one.value).join('')") == ""
    assert lab.locator(".kv-field :checked").count() == 0


def test_what_was_written_is_saved_as_markdown(lab: Page, language: str) -> None:
    words = Words(language)
    answered(lab)
    with lab.expect_download() as started:
        lab.locator("[data-does=save]").click()
    assert started.value.suggested_filename == "00-derive-cache-size.md"
    text = Path(started.value.path()).read_text(encoding="utf-8")
    title = lab.locator("h1").evaluate("heading => heading.firstChild.textContent")
    headings = lab.locator(".md-content h2").evaluate_all("all => all.map(heading => heading.firstChild.textContent)")
    written = [line for line in text.splitlines() if line.startswith("#")]
    assert written == [f"# {title}", *(f"## {heading}" for heading in headings[:5])]
    token, beyond = lab.locator("#table-six thead th").all_inner_texts()[1:3]
    assert f"- MiniGPT, fp32, {token}: **1 KiB** {words('lab.right')}\n" in text
    assert f"- MiniGPT, fp32, {beyond}: **4 MiB** ({words('lab.hypothetical')}) {words('lab.right')}\n" in text
    assert f"**2.5 MiB** {words('lab.wrong')}" in text
    assert text.endswith("**\n\nI took *bits*.\n")
    assert text.count("- ") >= 36
    assert "\n\n\n" not in text


@pytest.mark.parametrize("trouble", ["throws", "rubbish"])
def test_it_works_where_nothing_can_be_kept_and_says_so(
    reader: Callable[..., BrowserContext], server: str, language: str, trouble: str
) -> None:
    page = reader().new_page()
    forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden'); } })"
    rubbish = f"localStorage.setItem('{KEY}', '{{rubbish')"
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(forbid if trouble == "throws" else rubbish)
    page.goto(f"{server}/{LAB[language]}")
    assert told(page, (MINI, "1 KiB")) == [("right", Words(language)("lab.right"))]
    said = page.locator(".kv-work output").inner_text()
    assert (Words(language)("lab.not_kept") in said) == (trouble == "throws")
    assert [complaint for complaint in complaints if "forbidden" not in complaint] == []


def test_a_keyboard_alone_fills_in_marks_and_reads(lab: Page, language: str) -> None:
    lab.locator(f"[name={MINI}]").focus()
    lab.keyboard.type("1 KiB")
    lab.keyboard.press("Enter")
    assert lab.locator("#field-minigpt-token-told").inner_text() == Words(language)("lab.right")
    lab.keyboard.press("Tab")
    lab.keyboard.type("4 MiB")
    lab.keyboard.press("Tab")
    assert lab.locator("#field-minigpt-k4-told").inner_text() == Words(language)("lab.mark_it")
    lab.keyboard.press("Space")
    assert lab.locator("#field-minigpt-k4-told").inner_text() == Words(language)("lab.right")
    lab.locator("[data-does=save]").focus()
    with lab.expect_download():
        lab.keyboard.press("Enter")


def test_every_field_has_a_name_of_its_own_and_what_is_said_of_it_is_announced(lab: Page) -> None:
    labels = lab.locator(".kv-field [name]").evaluate_all(
        "all => all.map(one => one.ariaLabel || one.labels[0].textContent)"
    )
    assert len(set(labels)) == len(labels) == 44
    assert all(labels)
    described = lab.locator(".kv-field input[name]").evaluate_all(
        "all => all.map(one => document.getElementById(one.getAttribute('aria-describedby')).matches('output'))"
    )
    assert described == [True] * 36


def test_what_is_being_changed_is_not_judged_until_it_is_left(lab: Page) -> None:
    told(lab, (MINI, "1 KiB"))
    lab.locator(f"[name={MINI}]").press("End")
    lab.keyboard.type("5")
    assert lab.locator(f"[data-name={MINI}]").get_attribute("data-state") == ""
    assert not lab.locator("#field-minigpt-token-told").is_visible()


def test_without_scripts_it_is_an_exercise_on_paper(tab: Callable[..., Page], server: str, language: str) -> None:
    page = tab(scripts=False)
    page.goto(f"{server}/{LAB[language]}")
    assert page.locator(".md-content button:visible").count() == 0
    assert page.locator(".kv-field [name]:visible").count() == 44
    assert page.locator(".kv-field output").all_inner_texts() == [""] * 36


def test_on_paper_fields_are_lines_and_nothing_is_said(lab: Page) -> None:
    answered(lab)
    lab.emulate_media(media="print")
    entry = lab.locator(f"[name={MINI}]")
    styled = "one => { const style = getComputedStyle(one); return [style.backgroundColor, style.borderBottom] }"
    style = entry.evaluate(styled)
    assert style[0] == "rgba(0, 0, 0, 0)"
    assert style[1].startswith("1px solid")
    assert lab.locator(".kv-field output:visible, .kv-work:visible").count() == 0
    assert entry.input_value() == "1 KiB"


def test_only_pages_with_fields_load_the_script_and_it_is_small(site: Path, pages: list[str]) -> None:
    loading = {path for path in pages if SCRIPT in (site / path).read_text(encoding="utf-8")}
    fields = {path for path in pages if 'class="kv-field"' in (site / path).read_text(encoding="utf-8")}
    assert loading == fields >= set(LAB.values())
    assert (site / SCRIPT).stat().st_size < 8000


def test_fields_are_not_searched_for(site: Path) -> None:
    for language, folder in zip(LANGUAGES, ("", "es/"), strict=True):
        index = json.loads((site / f"{folder}search/search_index.json").read_text(encoding="utf-8"))
        texts = [doc["text"] for doc in index["docs"] if "labs/00" in doc["location"]]
        assert texts
        assert not [text for text in texts if Words(language)("lab.hypothetical") in text and "kv-field" in text]
        assert max(text.count(Words(language)("lab.hypothetical")) for text in texts) < 3
