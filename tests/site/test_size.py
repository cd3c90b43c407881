"""No page is too long for a phone, for axe or for print: elements and bytes of HTML, in each language."""

import re
from pathlib import Path

ELEMENTS = 3_000
BYTES = 180_000  # the catalog: each of its numbers says where it comes from
START_TAG = re.compile(r"<[a-zA-Z]")


def test_no_page_has_too_many_elements_or_bytes(site: Path, pages: list[str]) -> None:
    texts = {path: (site / path).read_text(encoding="utf-8") for path in pages}
    sizes = {path: (len(START_TAG.findall(text)), len(text.encode())) for path, text in texts.items()}
    assert min(elements for elements, _ in sizes.values()) > 200, "elements were not counted"
    assert {path: size for path, size in sizes.items() if size[0] > ELEMENTS or size[1] > BYTES} == {}
