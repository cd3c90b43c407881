"""What the pages ask for and lead to: the site's own files, all of them there, on a web server and from a folder."""

from typing import Any

Read = dict[str, dict[str, Any]]


def test_no_page_asks_another_site_for_anything(read: Read) -> None:
    foreign = {path: [address for address in facts["asked"] if address[0] != "/"] for path, facts in read.items()}
    assert foreign == {path: [] for path in read}
    assert all("/assets/book.css" in facts["asked"] for facts in read.values()), "requests were not seen"


def test_no_request_fails_and_no_page_complains(read: Read) -> None:
    assert {path: facts["complaints"] for path, facts in read.items()} == {path: [] for path in read}


def test_every_link_inside_the_site_leads_to_a_page_and_to_a_place_on_it(read: Read) -> None:
    places = {f"/{path}{place}" for path, facts in read.items() for place in ("", *(f"#{id}" for id in facts["ids"]))}
    inside = {link for facts in read.values() for link in facts["links"] if link[0] == "/" and ".html" in link}
    assert inside, "no links were seen"
    assert inside - places == set()


def test_the_footer_leads_nowhere_outside(read: Read) -> None:
    for path, facts in read.items():
        assert facts["footer"], f"{path} has no way on or back"
        assert all(link["href"].startswith("/") for link in facts["footer"]), path
