"""Links to other sites tell their address on paper, unless their text does."""

import pytest

from figures_src.markup.links import tells, with_addresses


@pytest.mark.parametrize(
    ("text", "address", "told"),
    [
        ("https://a.example/b", "https://a.example/b", True),
        ("a.example/b", "https://a.example/b/", True),
        ("arXiv 2211.05102", "https://arxiv.org/abs/2211.05102", True),
        ("arXiv:2211.05102", "https://arxiv.org/abs/2211.05102", True),
        ("Pope et al., 2023", "https://arxiv.org/abs/2211.05102", False),
        ("a model card", "https://a.example/card", False),
        ("a.example", "https://a.example/", True),
        ("example", "https://a.example", False),
    ],
)
def test_a_text_tells_an_address_by_having_it_or_its_number(text, address, told):
    assert tells(text, address) == told


def test_a_link_gets_the_address_that_its_text_does_not_tell():
    page = '<p><a class="x" href="https://a.example/b?c=1&amp;d=2">a <em>paper</em></a></p>'
    assert with_addresses(page) == (
        '<p><a class="x" href="https://a.example/b?c=1&amp;d=2" data-address="a.example/b?c=1&amp;d=2">'
        "a <em>paper</em></a></p>"
    )


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://arxiv.org/abs/2211.05102">arXiv 2211.05102</a>',
        '<a href="https://a.example/b"><code>https://a.example/b</code></a>',
        '<a href="theory/page.html">a paper</a>',
        '<a href="#fn:1">1</a><abbr title="x">a</abbr>',
    ],
)
def test_a_link_within_the_site_or_one_that_tells_its_address_stays_as_it_is(page):
    assert with_addresses(page) == page
