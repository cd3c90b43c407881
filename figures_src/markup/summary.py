"""The two sentences under a page's title: its summary, and the same sentence in the other language, linked."""

from __future__ import annotations


def with_summaries(page_html: str, summary: str, twin_summary: str, twin_url: str, twin_language: str) -> str:
    """Return the page with both summaries, given as HTML, behind its first heading."""
    sentences = (
        f'\n<p class="kv-summary">{summary}</p>\n'
        f'<p class="kv-twin"><a href="{twin_url}" lang="{twin_language}" hreflang="{twin_language}">'
        f"{twin_summary}</a></p>"
    )
    title, end, rest = page_html.partition("</h1>")
    return title + end + sentences + rest
