"""Links to other sites: on paper an address is printed after the text of a link, unless the text tells it already."""

from __future__ import annotations

import html
import re

LINK = re.compile(r'<a (?=[^>]*?\bhref="(https?://[^"]+)")([^>]*)>(.*?)</a>', re.DOTALL)


def with_addresses(page_html: str) -> str:
    """Return the page with `data-address` on each link to another site whose text does not tell the address."""
    return LINK.sub(_with_address, page_html)


def _with_address(link: re.Match[str]) -> str:
    address, attributes, text = link.groups()
    if tells(html.unescape(re.sub(r"<[^>]+>", "", text)), html.unescape(address)):
        return link[0]
    return f'<a {attributes} data-address="{_short(address)}">{text}</a>'


def tells(text: str, address: str) -> bool:
    """Say whether a link's text has the address in it, or the number that it ends with, as “arXiv 2211.05102” has."""
    short = _short(address)
    number = re.search(r"/(\d[\w.]*)$", short)
    return short in text or (number is not None and number[1] in text)


def _short(address: str) -> str:
    """Return an address as people write it: without the scheme and without a slash at its end."""
    return address.split("://", 1)[1].rstrip("/")
