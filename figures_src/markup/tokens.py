"""Tokens: `[[name]]` or `[[name:format]]` in a page's text stands for a computed value.

A token is not replaced where it is found, since what it must become depends on where it ends up: a `<data>` element in
prose, digits in mathematics, plain text in an attribute, itself in code. So a preprocessor turns each into a run of
private-use characters, which Markdown carries along untouched, and `fill` replaces these in the finished HTML.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import NamedTuple

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

TOKEN = re.compile(r"\[\[(?P<name>[a-z0-9_]+)(?::(?P<format>\w+))?\]\]")
# Fenced code is stashed at 25: a preprocessor just behind it sees all the text but that.
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

    def __str__(self) -> str:
        return f"[[{self.name}:{self.format}]]" if self.format else f"[[{self.name}]]"


class Faces(NamedTuple):
    """The three ways in which a token is shown, each taking the token; and the maker of MathML.

    `mathml` takes the LaTeX, whether it stands on lines of its own, and the LaTeX as the author wrote it.
    """

    in_prose: Callable[[Token], str]
    in_math: Callable[[Token], str]
    in_attribute: Callable[[Token], str]
    mathml: Callable[[str, bool, str], str]


def mark(text: str, tokens: list[Token]) -> str:
    """Return `text` with a mark for each token, which is added to `tokens`."""

    def marked(match: re.Match[str]) -> str:
        token = Token(match["name"], match["format"] or "")
        tokens.append(token._replace(nth=sum(str(other) == str(token) for other in tokens)))
        return _OPEN + "".join(chr(_ZERO + int(digit)) for digit in str(len(tokens) - 1)) + _CLOSE

    return TOKEN.sub(marked, text)


def fill(page_html: str, tokens: list[Token], faces: Faces) -> str:
    """Return finished HTML with each mark replaced as its place asks, and LaTeX turned into MathML."""

    def each_mark(text: str, show: Callable[[Token], str]) -> str:
        return MARK.sub(lambda match: show(_token_of(match, tokens)), text)

    def piece(match: re.Match[str]) -> str:
        found = match[0]
        if match["math"] is not None:
            latex = html.unescape(match["math"].strip()[2:-2]).strip()  # without its \( \) or \[ \]
            written = each_mark(latex, str)
            mathml = faces.mathml(each_mark(latex, faces.in_math), match["tag"] == "div", written)
            # A full stop behind a formula does not begin the next line.
            return f'<span class="kv-keep">{mathml}{match["after"]}</span>' if match["after"] else mathml
        if match["code"] is not None:
            return each_mark(found, str)
        if found.startswith("<"):
            return each_mark(found, lambda token: html.escape(faces.in_attribute(token)))
        return each_mark(found, faces.in_prose)

    return _PIECES.sub(piece, page_html)


def fill_plain(text: str, tokens: list[Token], show: Callable[[Token], str]) -> str:
    """Return text that is no HTML, such as a title in the navigation, with each mark replaced."""
    return MARK.sub(lambda match: show(_token_of(match, tokens)), text)


def tokens_in(text: str, tokens: list[Token]) -> list[Token]:
    """Return the tokens whose marks stand in `text`."""
    return [_token_of(match, tokens) for match in MARK.finditer(text)]


def _token_of(match: re.Match[str], tokens: list[Token]) -> Token:
    return tokens[int("".join(str(ord(digit) - _ZERO) for digit in match[1]))]


class TokenExtension(Extension):
    """Marks the tokens of a page; `tokens` holds those of the page that is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: list[Token] = []

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the name is Markdown's)
        """Register the preprocessor."""
        md.preprocessors.register(_Marker(md, self.tokens), "kvlab-tokens", PRIORITY)


class _Marker(Preprocessor):
    def __init__(self, md: Markdown, tokens: list[Token]) -> None:
        super().__init__(md)
        self.tokens = tokens

    def run(self, lines: list[str]) -> list[str]:
        return [mark(line, self.tokens) for line in lines]
