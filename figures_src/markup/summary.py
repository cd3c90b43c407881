"""The two sentences under a page's title: its summary, and the same sentence in the other language, linked."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from figures_src.errors import BookError

BUTTON = "<!-- the button that shows origins -->"  # main.html puts it here: there from the start, it moves nothing


def front_matter(source: Path) -> str:
    """Return a page's front matter as it is written. Raises `BookError` where there is no page."""
    if not source.exists():
        raise BookError("1: the page is missing; every page has its twin in the other language")
    match = re.match(r"---\n(.*?)\n---\n", source.read_text(encoding="utf-8"), re.DOTALL)
    return match[1] if match else ""


def read_summary(source: Path) -> str:
    """Return the summary in a page's front matter. Raises `BookError` that begins with the line of the mistake."""
    try:
        fields = yaml.safe_load(front_matter(source))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise BookError(f"{line}: the front matter is not YAML: {error.problem}; quote the text") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("summary"), str):
        raise BookError("1: the front matter has no summary; write 'summary:' and one sentence")
    return str(fields["summary"])


def with_summaries(page_html: str, summary: str, twin_summary: str, twin_url: str, twin_language: str) -> str:
    """Return the page with both summaries, given as HTML, after its first heading.

    The twin's is left out of the search: it is not in this page's language.
    """
    sentences = (
        f'\n<p class="kv-summary">{summary}</p>\n'
        f'<p class="kv-twin" data-search-exclude="twin">'
        f'<a href="{twin_url}" lang="{twin_language}" hreflang="{twin_language}">{twin_summary}</a></p>\n'
        f"{BUTTON}"
    )
    title, end, rest = page_html.partition("</h1>")
    return title + end + sentences + rest
