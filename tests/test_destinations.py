"""Protects the page numbers in the contents of a printed book: each place lies on the page that a PDF says."""

import io

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject

from figures_src.pdf.destinations import destinations


def test_a_place_is_on_the_page_that_comes_at_its_number_from_the_front():
    writer = PdfWriter()
    for _ in range(2):
        writer.add_blank_page(100, 100)
    writer.insert_blank_page(100, 100, index=0)  # so that the objects are in another order than the pages
    first, second, third = writer.pages

    def place(page):
        return ArrayObject([page.indirect_reference, NameObject("/XYZ"), FloatObject(12), FloatObject(70.5)])

    names = {"/last": third, "/es-one--top": first, "/middle": second}
    # As Chromium names places: in a dictionary of the catalog.
    writer.root_object[NameObject("/Dests")] = DictionaryObject(
        {NameObject(name): place(page) for name, page in names.items()}
    )
    written = io.BytesIO()
    writer.write(written)
    assert destinations(written.getvalue()) == {"es-one--top": 1, "middle": 2, "last": 3}
