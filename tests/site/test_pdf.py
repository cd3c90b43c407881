"""The book as a PDF: every page of a language, in the reading order, with contents whose page numbers are right.

Slow: whole books; books of two chapters are printed in any case.
"""

import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader

from figures_src.errors import BookError
from figures_src.pdf import printing
from figures_src.pdf.destinations import destinations
from figures_src.pdf.printing import chapters, the_book

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "es")
SHORT = ("index.html", "theory/05-worked-example.html")  # the first leads to the second
EPOCH = "1700000000"  # 2023-11-14, 22:13:20 UTC


class Book(NamedTuple):
    """A book as it was printed, and the chapters that it was asked to have."""

    pdf: bytes
    title: str
    chapters: list[dict[str, str]]


def print_books(*arguments: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run what `make pdf` runs, in a process of its own: one Playwright a process."""
    command = [sys.executable, "-m", "figures_src.pdf.printing", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def short_book(language: str) -> dict[str, Any]:
    """Return what is asked of a book of the home page and one chapter that it leads to."""
    book = the_book(language)
    return book | {"chapters": [one for one in book["chapters"] if one["file"].removeprefix("es/") in SHORT]}


def print_short(browser: Browser, site: Path, language: str) -> bytes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printing, "the_book", short_book)
        patch.setenv("SOURCE_DATE_EPOCH", EPOCH)
        return printing.print_book(browser, site, language, "A4")


@pytest.fixture(scope="module", params=["short", pytest.param("whole", marks=pytest.mark.slow)])
def books(
    request: pytest.FixtureRequest, browser: Browser, site: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Book]:
    """Both books, printed once for all tests: of two chapters, and whole."""
    if request.param == "short":
        books = {language: short_book(language) for language in LANGUAGES}
        prints = {language: print_short(browser, site, language) for language in LANGUAGES}
    else:
        books = {language: the_book(language) for language in LANGUAGES}
        folder = tmp_path_factory.mktemp("books")
        done = print_books("A4", site, folder, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH})
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        prints = {language: (folder / f"kvlab-{language}.pdf").read_bytes() for language in LANGUAGES}
    return {language: Book(prints[language], book["title"], book["chapters"]) for language, book in books.items()}


def titles(site: Path, book: Book) -> list[str]:
    """Return the title of each chapter in reading order, as its page of the site has it, without spaces."""
    found = []
    for chapter in book.chapters:
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", (site / chapter["file"]).read_text(encoding="utf-8"), re.DOTALL)
        assert heading
        text = re.sub(r'<a class="headerlink".*?</a>|<[^>]+>', "", heading[1])
        found.append("".join(html.unescape(text).split()))
    return found


def test_the_book_has_every_page_of_its_language_once(pages: list[str]) -> None:
    for language in LANGUAGES:
        files = [chapter["file"] for chapter in the_book(language)["chapters"]]
        assert sorted(files) == [path for path in pages if path.startswith("es/") == (language == "es")]


def test_the_reading_order_is_that_of_the_navigation_and_parts_are_named_in_the_books_language() -> None:
    nav = ["index.md", {"Theory": ["a/one.md", {"Deep": [{"Two": "a/two.md"}]}]}, {"Last": "z.md"}]
    spanish = {"locale": "es", "nav_translations": {"Theory": "Teoría"}}
    assert [tuple(chapter.values()) for chapter in chapters(nav, spanish)] == [
        ("es/index.html", ""),
        ("es/a/one.html", "Teoría"),
        ("es/a/two.html", "Deep"),
        ("es/z.html", ""),
    ]
    english = {"locale": "en", "default": True}
    assert [chapter["file"] for chapter in chapters(nav, english)][:2] == ["index.html", "a/one.html"]


def texts(pdf: bytes) -> list[str]:
    """Return the text of each page, in order, without spaces."""
    return ["".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages]


def read_book(pdf: bytes, first_title: str) -> tuple[str, dict[int, str]]:
    """Return the text of the contents, and of each page that follows them by its number from the front."""
    read = dict(enumerate(texts(pdf), start=1))
    first = next(number for number, text in read.items() if text.startswith(first_title))
    return "\n".join(read[number] for number in range(2, first)), {n: read[n] for n in read if n >= first}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_page_of_a_book_has_at_its_head_the_chapter_and_the_part_and_at_its_foot_its_number(
    books: dict[str, Book], site: Path, language: str
) -> None:
    names = titles(site, books[language])
    _, read = read_book(books[language].pdf, names[0])
    assert len(read) > len(names)
    parts = ["".join(chapter["part"].split()) for chapter in books[language].chapters]
    heads = [name + part for name, part in zip(names, parts, strict=True)]
    for number, text in read.items():
        assert any(text.startswith(f"{head}{number}") for head in heads), text[:100]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contents_name_the_page_on_which_each_chapter_begins(
    books: dict[str, Book], site: Path, language: str
) -> None:
    names = titles(site, books[language])
    contents, read = read_book(books[language].pdf, names[0])
    for name in names:
        named = re.search(rf"{re.escape(name)}(\d+)", contents)
        assert named, f"{name} is not in the contents"
        # The title stands at the head of every page of its chapter, and once more where it begins.
        begins = [number for number, text in read.items() if text.startswith(name) and text.count(name) > 1]
        assert begins, name
        assert int(named[1]) == begins[0], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_book_says_its_title_and_its_language_and_has_bookmarks(books: dict[str, Book], language: str) -> None:
    reader = PdfReader(io.BytesIO(books[language].pdf))
    assert reader.metadata
    assert reader.metadata.title == books[language].title
    assert reader.root_object["/Lang"] == language
    assert len(reader.outline) > len(books[language].chapters)
    assert sum(len(page.annotations or ()) for page in reader.pages) > 2 * len(books[language].chapters)


def test_two_prints_of_a_book_are_the_same_bytes_and_have_the_moment_that_was_given(
    books: dict[str, Book], browser: Browser, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", EPOCH)
    is_short = len(books["es"].chapters) == len(SHORT)
    again = print_short(browser, site, "es") if is_short else printing.print_book(browser, site, "es", "A4")
    assert re.findall(rb"Date \(([^)]*)\)", again) == 2 * [b"D:20231114221320+00'00'"]
    same = again == books["es"].pdf
    assert same  # and not the comparison itself: pytest would show how megabytes differ


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_between_pages_lead_within_the_book_and_tell_the_page(books: dict[str, Book], language: str) -> None:
    printed = books[language].pdf
    assert b"book.localhost" not in printed
    places = destinations(printed)
    asked = {name.decode() for name in re.findall(rb"/Dest /([^\s/<>]+)", printed)}
    assert asked
    assert asked <= set(places)
    assert f"{'es-' if language == 'es' else ''}theory-05-worked-example--formula" in asked
    told = [number for text in texts(printed)[2:] for number in re.findall(r",p\.(\d+)", text)]
    assert told
    assert set(map(int, told)) <= set(places.values())


def test_formulas_and_the_letters_of_both_languages_are_in_the_book(books: dict[str, Book]) -> None:
    for language, word in (("en", "Contents"), ("es", "Índice")):
        read = texts(books[language].pdf)
        assert word in read[1]
        assert "𝑀=2⋅𝐿⋅𝐻" in "".join(read)
        assert 100_000 < len(books[language].pdf) < 200_000 * len(read)


def test_a_missing_site_is_told_in_one_sentence(browser: Browser, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"^there is no index.html in no-such-site/; `make site` builds it$"):
        printing.print_book(browser, tmp_path / "no-such-site", "en", "A4")


def test_an_unknown_paper_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = print_books("A3", tmp_path, tmp_path)
    assert (done.returncode, done.stderr.strip()) == (1, "no paper 'A3' is known here; there are A4 and Letter")


def test_a_missing_browser_is_told_in_one_sentence(site: Path, tmp_path: Path) -> None:
    done = print_books("A4", site, tmp_path, env={**os.environ, "PATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith("No browser")
    assert done.stderr.count("\n") == 1
