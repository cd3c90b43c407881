"""On which page of a PDF each place lies that a link inside it leads to."""

from __future__ import annotations

import io

from pypdf import PdfReader


def destinations(pdf: bytes) -> dict[str, int]:
    """Return the page, counted from 1, of each named place of a PDF."""
    reader = PdfReader(io.BytesIO(pdf))
    # Asked once for all places: `get_destination_page_number` would go through the pages for each.
    numbers = {page.indirect_reference: number for number, page in enumerate(reader.pages, start=1)}
    return {
        name.removeprefix("/"): numbers[place.raw_get("/Page")] for name, place in reader.named_destinations.items()
    }
