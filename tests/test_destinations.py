"""Where the places of a PDF lie, read from a small one that is written here as Chromium writes its own."""

import pytest

from figures_src.errors import BookError
from figures_src.pdf.destinations import Objects, destinations, leaves

# Chromium keeps pages in a tree, some levels deep, its objects in no order. Here they are 7, 5, 3 from front to back.
OBJECTS = {
    1: "<</Title (a book)>>",
    2: "<</Type /Pages /Count 3 /Kids [4 0 R 3 0 R]>>",
    3: "<</Type /Page /Parent 2 0 R>>",
    4: "<</Type /Pages /Count 2 /Parent 2 0 R /Kids [7 0 R 5 0 R]>>",
    5: "<</Type /Page /Parent 4 0 R>>",
    6: "<</last [3 0 R /XYZ 12 70.5 0]\n/es-one--top [7 0 R /XYZ 12 779.88 0]\n/middle [5 0 R /XYZ 12 -3 0]>>",
    7: "<</Type /Page /Parent 4 0 R>>",
    8: "<</Type /Catalog /Pages 2 0 R /Dests 6 0 R>>",
}


def written(objects, trailer="<</Size 9\n/Root 8 0 R\n/Info 1 0 R>>"):
    """Return a PDF that has these objects, each where the table at its end says."""
    pdf, offsets = "%PDF-1.4\n", []
    for number, text in objects.items():
        offsets.append(len(pdf))
        pdf += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    head = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n"
    return f"{pdf}{head}{table}trailer\n{trailer}\nstartxref\n{len(pdf)}\n%%EOF\n".encode()


def test_a_place_is_on_the_page_that_comes_at_its_number_from_the_front():
    assert destinations(written(OBJECTS)) == {"es-one--top": 1, "middle": 2, "last": 3}


def test_pages_come_in_the_order_of_their_tree_whatever_their_numbers():
    assert list(leaves(Objects(written(OBJECTS)), 2)) == [7, 5, 3]
    assert list(leaves(Objects(written(OBJECTS)), 5)) == [5]


def test_an_object_is_read_from_the_place_that_the_table_names_and_no_further():
    objects = Objects(written(OBJECTS))
    assert objects[1] == b"1 0 obj\n<</Title (a book)>>\n"
    assert objects.follow(objects[8], b"Dests") == 6


def test_a_pdf_that_lacks_what_places_are_read_from_is_refused_by_the_name_of_that():
    lacking = OBJECTS | {8: "<</Type /Catalog /Pages 2 0 R>>"}
    with pytest.raises(BookError, match="has no /Dests where it should stand"):
        destinations(written(lacking))
    with pytest.raises(BookError, match="has no /Root where it should stand"):
        destinations(written(OBJECTS, trailer="<</Size 9>>"))


@pytest.mark.parametrize(
    ("known", "foreign"),
    [(b"\nxref\n", b"\n10 0 obj <</Type /XRef>>\n"), (b"%%EOF\n", b"%%EOF\nmore"), (b"startxref", b"start")],
)
def test_a_pdf_of_another_program_with_no_plain_table_is_refused(known, foreign):
    with pytest.raises(BookError, match="no plain table of its objects; another program than Chromium wrote it"):
        destinations(written(OBJECTS).replace(known, foreign))
