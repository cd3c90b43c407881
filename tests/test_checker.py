"""The checker finds each fault of a built site, and nothing in a site without any."""

import pytest

from figures_src.build.checker import complaints

HEAD = '<link rel="alternate " hreflang="en" href="{en}"><link rel="alternate " hreflang="es" href="{es}">'
EN = f'<html lang="en"><head>{HEAD.format(en="one.html", es="es/one.html")}</head><body id="top">{{}}</body></html>'
ES = f'<html lang="es"><head>{HEAD.format(en="../one.html", es="one.html")}</head><body id="top">{{}}</body></html>'


@pytest.fixture
def site(tmp_path):
    """Return a function that writes a site of two twins, with something in the English one, and gives the faults."""

    def write(inside="", english=EN, spanish=ES, css=""):
        (tmp_path / "es").mkdir()
        (tmp_path / "a.png").write_bytes(b"")
        (tmp_path / "a.css").write_text(css, encoding="utf-8")
        (tmp_path / "one.html").write_text(english.replace("{}", inside), encoding="utf-8")
        (tmp_path / "es/one.html").write_text(spanish.replace("{}", '<h2 id="año">'), encoding="utf-8")
        return complaints(tmp_path)

    return write


@pytest.mark.parametrize(
    "inside",
    [
        "",
        '<a href="es/one.html#a%C3%B1o">',
        '<a href="#top"><a href="?a=b#top"><a href="/es/one.html">',
        '<a href="https://example.org/x#y"><a href="mailto:a@b"><a href="//example.org/x">',
        '<img src="a%2Epng#only-light"><img src="data:image/png;base64,"><link rel="icon" href="a.png">',
        '<link rel="canonical" href="https://example.org/one.html">',
    ],
)
def test_a_site_without_fault_gets_no_complaint(site, inside):
    assert site(inside, css='@font-face { src: url("a.png") } b { c: url(data:x) }') == []


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ('<p id="x"><p id="x">', "one.html: the id 'x' is there 2 times"),
        ('<a href="two.html">', "one.html: its link two.html leads nowhere"),
        ('<a href="es/">', "one.html: its link es/ leads nowhere"),
        ('<a href="#nowhere">', "one.html: its link #nowhere leads to no id in one.html"),
        ('<a href="es/one.html#ano">', "one.html: its link es/one.html#ano leads to no id in es/one.html"),
        ('<img src="b.png">', "one.html: it loads b.png, which is not there"),
        ('<link rel="stylesheet" href="b.css">', "one.html: it loads b.css, which is not there"),
        ('<script src="https://example.org/a.js">', "one.html: it loads https://example.org/a.js, which is another's"),
        ('<img src="//example.org/a.png">', "one.html: it loads //example.org/a.png, which is another's"),
    ],
)
def test_a_fault_of_a_page_is_named(site, inside, complaint):
    assert site(inside) == [complaint]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"english": EN.replace('lang="en">', 'lang="de">')}, "one.html: its language is 'de' and not 'en'"),
        ({"english": EN.replace("es/one.html", "one.html")}, "one.html: its twin one.html does not name it as its own"),
        ({"spanish": ES.replace("../one.html", "one.html")}, "one.html: its twin es/one.html does not name it as its"),
        ({"english": EN.replace("es/one.html", "es/two.html")}, "one.html: its twin es/two.html does not name it"),
        ({"english": '<html lang="en">'}, "one.html: it names twins in [] and not in ['en', 'es']"),
        ({"css": "a { b: url(b.png) }"}, "a.css: it loads b.png, which is not there"),
        ({"css": "@import url(https://example.org/a.css)"}, "a.css: it loads https://example.org/a.css, which is not"),
    ],
)
def test_a_fault_between_files_is_named(site, change, complaint):
    assert any(found.startswith(complaint) for found in site(**change))


def test_the_page_for_what_is_not_found_is_nobodys_twin(tmp_path):
    (tmp_path / "404.html").write_text('<html lang="en">', encoding="utf-8")
    assert complaints(tmp_path) == []
