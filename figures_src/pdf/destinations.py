"""On which page of a PDF each place lies that a link inside it leads to. It reads just what Chromium writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from figures_src.errors import BookError


class Objects:
    """The objects of a PDF with a plain cross-reference table, as text, by number."""

    def __init__(self, pdf: bytes) -> None:
        start = re.search(rb"startxref\s+(\d+)\s+%%EOF\s*$", pdf)
        if not start or pdf[int(start[1]) :][:4] != b"xref":
            raise BookError("this PDF has no plain table of its objects; another program than Chromium wrote it")
        self.pdf = pdf
        table, self.trailer = pdf[int(start[1]) :].split(b"trailer", 1)
        self.offsets = [int(offset) for offset in re.findall(rb"(\d{10}) \d{5} [nf]", table)]

    def __getitem__(self, number: int) -> bytes:
        start = self.offsets[number]
        return self.pdf[start : self.pdf.index(b"endobj", start)]

    def follow(self, source: bytes, key: bytes) -> int:
        """Return the number of the object that a dictionary's key refers to."""
        reference = re.search(rb"/%s (\d+) 0 R" % key, source)
        if not reference:
            raise BookError(f"this PDF has no /{key.decode()} where it should stand")
        return int(reference[1])


def destinations(pdf: bytes) -> dict[str, int]:
    """Return the page, counted from 1, of each named place of a PDF that Chromium has written."""
    objects = Objects(pdf)
    root = objects[objects.follow(objects.trailer, b"Root")]
    pages = {number: place for place, number in enumerate(leaves(objects, objects.follow(root, b"Pages")), start=1)}
    named = objects[objects.follow(root, b"Dests")]
    return {
        name.decode(): pages[int(number)] for name, number in re.findall(rb"/([^\s/<>\[\]]+) \[(\d+) 0 R /XYZ", named)
    }


def leaves(objects: Objects, number: int) -> Iterator[int]:
    """Yield the numbers of the pages below a node of the page tree, in their order."""
    kids = re.search(rb"/Kids \[([^\]]*)\]", objects[number])
    if not kids:
        yield number
        return
    for kid in re.findall(rb"(\d+) 0 R", kids[1]):
        yield from leaves(objects, int(kid))
