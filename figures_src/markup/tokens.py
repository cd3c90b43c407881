"""Tokens: `[[name]]` or `[[name:format]]` in a page's text stands for a computed value.

`[[if name]]` stands for nothing: it says that the paragraph, caption or item that it begins relies on a claim.

A token is not replaced where it is found, since what it must become depends on where it ends up: a `<data>` element in
prose, digits in mathematics, plain text in an attribute, itself in code. So a preprocessor turns each into a run of
private-use characters, which Markdown carries along untouched, and `fill` replaces these in the finished HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

TOKEN = re.compile(r"\[\[(?P<name>[a-z0-9_]+)(?::(?P<format>\w+))?\]\]|\[\[if +(?P<claim>[a-z0-9_]+)\]\] ?")
# Fenced code is stashed at 25: a preprocessor just after it sees all the text but that.
PRIORITY = 24

_OPEN, _CLOSE, _ZERO = "\ue000", "\ue001", 0xE010
MARK = re.compile(f"{_OPEN}([\ue010-\ue019]+){_CLOSE}")

_PIECES = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">(?P<math>.*?)</(?P=tag)>(?P<after>[.,;:?!)]*)'
    r"|<(?P<code>code|pre)\b.*?</(?P=code)>"
    r"|<[^>]*>"
    rf"|{MARK.pattern}",
    re.DOTALL,
)


class Token(NamedTuple):
    """A token as the author wrote it."""

    name: str
    format: str
    nth: int = 0  # how many of the same stand before it on its page
    is_claim: bool = False

    def __str__(self) -> str:
        if self.is_claim:
            return f"[[if {self.name}]]"
        return f"[[{self.name}:{self.format}]]" if self.format else f"[[{self.name}]]"


class TokenRenderer(Protocol):
    """The three ways in which a token is shown, and the maker of MathML."""

    def in_prose(self, token: Token) -> str:
        """Return a token as HTML."""

    def in_math(self, token: Token) -> str:
        """Return a token as LaTeX."""

    def in_attribute(self, token: Token) -> str:
        """Return a token as plain text."""

    def mathml(self, latex: str, display: bool, written: str) -> str:
        """Return LaTeX as MathML, on lines of its own or not; `written` is what the author wrote."""


def mark(text: str, tokens: list[Token]) -> str:
    """Return `text` with a mark for each token, which is added to `tokens`."""

    def marked(match: re.Match[str]) -> str:
        token = Token(match["claim"] or match["name"], match["format"] or "", is_claim=match["claim"] is not None)
        tokens.append(token._replace(nth=sum(str(other) == str(token) for other in tokens)))
        return _OPEN + "".join(chr(_ZERO + int(digit)) for digit in str(len(tokens) - 1)) + _CLOSE

    return TOKEN.sub(marked, text)


def fill(page_html: str, tokens: list[Token], page: TokenRenderer) -> str:
    """Return finished HTML with each mark replaced as its place asks, and LaTeX turned into MathML."""

    def each_mark(text: str, show: Callable[[Token], str]) -> str:
        return fill_plain(text, tokens, show)

    def piece(match: re.Match[str]) -> str:
        found = match[0]
        if match["math"] is not None:
            latex = html.unescape(match["math"].strip()[2:-2]).strip()  # without its \( \) or \[ \]
            written = each_mark(latex, str)
            mathml = page.mathml(each_mark(latex, page.in_math), match["tag"] == "div", written)
            # A full stop after a formula does not begin the next line.
            return f'<span class="kv-keep">{mathml}{match["after"]}</span>' if match["after"] else mathml
        if match["code"] is not None:
            return each_mark(found, str)
        if found.startswith("<"):
            return each_mark(found, lambda token: html.escape(page.in_attribute(token)))
        return each_mark(found, page.in_prose)

    return _PIECES.sub(piece, page_html)


def fill_plain(text: str, tokens: list[Token], show: Callable[[Token], str]) -> str:
    """Return plain text, such as a title in the navigation, with each mark replaced."""

    def shown(match: re.Match[str]) -> str:
        token = _token_of(match, tokens)
        return "" if token.is_claim else show(token)

    return MARK.sub(shown, text)


def tokens_in(text: str, tokens: list[Token]) -> list[Token]:
    """Return the tokens whose marks stand in `text`."""
    return [_token_of(match, tokens) for match in MARK.finditer(text)]


def _token_of(match: re.Match[str], tokens: list[Token]) -> Token:
    return tokens[int("".join(str(ord(digit) - _ZERO) for digit in match[1]))]
