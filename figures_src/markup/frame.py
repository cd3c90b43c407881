"""What the theme puts around a page's text."""

import re


def without_indents(page_html: str) -> str:
    """Return the page without the indents and blank lines of the theme's templates, which are a third of its frame.

    The text itself is left as it is: space counts in a listing.
    """
    before, start, rest = page_html.partition("<article")
    text, end, after = rest.rpartition("</article>")
    return _narrow(before) + start + text + end + _narrow(after)


def _narrow(frame: str) -> str:
    return re.sub(r"\s*\n\s*", "\n", frame)
