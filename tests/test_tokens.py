"""Protects the tokens of a page: what becomes of each, and that no typed figure gets past."""

import markdown
import pytest

from figures_src.markup.extension import BookExtension
from figures_src.markup.lint import typed_numbers
from figures_src.markup.tokens import fill


class Page:
    """Shows the names of tokens."""

    def __init__(self):
        self.tokens = []

    def in_prose(self, token):
        return f"<data>{token.name}</data>"

    def in_math(self, token):
        return rf"\mathrm{{{token.name}}}"

    def in_attribute(self, token):
        return f'plain "{token.name}"'

    def mathml(self, latex, display, written):
        return f"<math{' block' if display else ''}>{latex}</math>"

    def require_measured(self, text, directive=""):
        pass

    def refuted(self, text):
        return ""


EXTENSIONS = ["attr_list", "tables", "admonition", "pymdownx.superfences", "pymdownx.details", "pymdownx.arithmatex"]


def render(text):
    book = BookExtension()
    book.page = Page()
    html = markdown.markdown(
        text,
        extensions=[*EXTENSIONS, book],
        extension_configs={"pymdownx.arithmatex": {"generic": True}},
    )
    return fill(html, book.page.tokens, book.page)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("It is [[size]].", "<data>size</data>"),
        ("## Of [[size]] { #a }", '<h2 id="a">Of <data>size</data></h2>'),
        ("**[[size]]** and *[[other:KiB]]*", "<strong><data>size</data></strong> and <em><data>other</data></em>"),
        ("| a |\n|---|\n| [[size]] |", "<td><data>size</data></td>"),
        ("- [[size]]", "<li><data>size</data></li>"),
        ("!!! note\n    [[size]]", "<data>size</data>"),
        ("??? note\n    - [[size]]", "<li><data>size</data></li>"),
        ("$[[size]] \\cdot S$", r"<math>\mathrm{size} \cdot S</math>"),
        ("$$\nM = [[size]]\n$$", r"<math block>M = \mathrm{size}</math>"),
        ("$a < [[size]]$", r"<math>a < \mathrm{size}</math>"),
        ("Of $S$, and", '<span class="kv-keep"><math>S</math>,</span> and'),
        ("![the [[size]]](a.svg)", 'alt="the plain &quot;size&quot;"'),
        ("[[[size]]](a.md)", '<a href="a.md"><data>size</data></a>'),
        ("`[[size]]`", "<code>[[size]]</code>"),
        ("```\n[[size]]\n```", "[[size]]"),
    ],
)
def test_a_token_becomes_what_its_place_asks_for(text, html):
    assert html in render(text)


def test_many_tokens_keep_their_order():
    text = " ".join(f"[[v{n}]]" for n in range(123))
    assert render(text) == "<p>" + " ".join(f"<data>v{n}</data>" for n in range(123)) + "</p>"


def test_no_private_character_is_left_in_a_page():
    html = render("# [[a]]\n\n$[[b]]$ `[[c]]` ![[[d]]](x.svg) [[e]]\n\n```\n[[f]]\n```\n")
    assert not any("\ue000" <= character <= "\uf8ff" for character in html)


# Thirty-two figures, in English and in Spanish style: each must be reported, wherever it stands.
PLANTED = [
    "takes 128 KiB",
    "takes 131,072 bytes",
    "takes 131 072 bytes",
    "ocupa 131\u202f072 bytes",
    "ocupa 0,5 MiB",
    "about 23.2% of it",
    "el 23,2 % de ellos",
    "2 layers",
    "has 2,048 tokens",
    "tiene 2048 tokens",
    "in 1998 steps",
    "$S = 128$",
    "$$\n2 \\cdot L\n$$",
    "$d^2$",
    "GPT-2 takes 36 MiB",
    "GPT-3 175B needs 5 devices",
    "in fp32 it is 4 bytes",
    "Llama-2-7B takes 0.5 MiB",
    "## The 4 cases { #cases }",
    "- item 3 of the list",
    "1. the first of 50 prompts",
    "> quoted 7 times",
    "**64** tokens",
    "[a link of 12 words](page.md)",
    "![a picture of 3 bars](a.svg)",
    "| 16 | heads |",
    "!!! note\n    after 9 steps",
    "alt: ends at 19.8 % of the total",
    "d² elements",
    "5×",
    "GPT-4 takes more",
    "a HAL2 of it",
]
SNEAKY = [
    '[a](x.md "128 KiB")',
    '<img alt="128 KiB" src="a.svg">',
    '<span title="12 GB">words</span>',
    '[a](x.md){ title="128 KiB" }',
    "128. Next, a sentence.",
    "if a <b and 64 c> d",
    "float8 and L3d",
]


@pytest.mark.parametrize("figure", [*PLANTED, *SNEAKY])
def test_a_typed_figure_is_reported_on_its_line(figure):
    assert len(PLANTED) == 32
    page = f"---\nsummary: words\n---\n\n```\ncode\n```\n\nWords.\n\n{figure}\n\nMore words.\n"
    found = typed_numbers(page, "en")
    assert found
    lines = page.splitlines()
    assert all(any(c.isnumeric() for c in lines[line - 1]) and word in lines[line - 1] for line, word in found)


def test_what_is_no_typed_figure_is_left_alone():
    page = """---
summary: What [[cache_of_8:fixed2]] mean in fp16.
---

# A heading { #l2-cache-128 }

1. GPT-2, GPT-2 small, GPT-3 175B and Llama-2-7B on an Intel i5-8250U, in fp32, its L1, L2 and L3.
2. Pope et al. 2023, [arXiv 2211.05102](https://arxiv.org/abs/2211.05102).

`kvlab size gpt2 --context 1024` and $[[size]] \\cdot S$, <span id="x1">words</span>.

[[fig cache_levels_2]]

```
1 2 3
```
"""
    assert typed_numbers(page, "en") == []


@pytest.mark.parametrize(
    ("language", "page", "words"),
    [
        ("en", "It has two layers.", ["two layers"]),
        ("en", "Eight key/value heads and\nthirty new tokens", ["Eight key/value heads", "thirty new tokens"]),
        ("en", "ten times as large", ["ten times"]),
        ("es", "Tiene dos capas y ocho cabezas.", ["dos capas", "ocho cabezas"]),
        ("es", "diez veces mayor", ["diez veces"]),
        ("en", "[[layers:word]] layers, one token, `two layers`, a multiply-add is two FLOPs", []),
        ("es", "[[layers:word]] capas, un token, dos FLOPs", []),
    ],
)
def test_a_number_in_words_of_what_is_counted_is_typed_too(language, page, words):
    assert [typed.word for typed in typed_numbers(page, language)] == words
