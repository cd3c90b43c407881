"""The theme's frame loses its indents, and a page's own text loses nothing."""

from figures_src.markup.frame import without_indents

TEXT = '<article class="x">\n  <pre>\n\n    a\n</pre>\n  </article>'


def test_only_what_is_around_the_text_loses_indents_and_blank_lines():
    page = f"<body>\n\n    <nav>\n      <a>\n  \n  A link\n</a>\n    </nav>\n{TEXT}\n\n\n  <footer>\n</footer>"
    assert without_indents(page) == f"<body>\n<nav>\n<a>\nA link\n</a>\n</nav>\n{TEXT}\n<footer>\n</footer>"


def test_words_of_the_frame_stay_apart():
    assert without_indents("one\n      two three  four") == "one\ntwo three  four"
