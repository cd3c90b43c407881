"""The text of each page of a PDF that Chromium has written: glyphs, and the letters that each font says they are."""

import re
import zlib

from figures_src.pdf.destinations import Objects, leaves

SHOWN = re.compile(rb"/(\w+) [\d.]+ Tf|<([0-9A-Fa-f]+)>")


def stream(data: bytes) -> bytes:
    """Return what is in an object's stream, unpacked where it is packed."""
    head, packed = data.split(b"stream\n", 1)
    return zlib.decompress(packed) if b"/FlateDecode" in head else packed


def letters(cmap: bytes) -> dict[int, str]:
    """Return the text of each glyph, as a font's ToUnicode map gives it: glyph by glyph, or in runs."""
    found = {}
    for run in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for glyph, text in re.findall(rb"<(\w+)> <(\w+)>", run):
            found[int(glyph, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    for run in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, last, text in re.findall(rb"<(\w+)> <(\w+)> <(\w+)>", run):
            start = int.from_bytes(bytes.fromhex(text.decode()), "big")
            for step in range(int(last, 16) - int(first, 16) + 1):
                size = max(2, len(text) // 2)
                found[int(first, 16) + step] = (start + step).to_bytes(size, "big").decode("utf-16-be", "replace")
    return found


def text_of(objects: Objects, page: bytes) -> str:
    """Return a page's text without its spaces, in the order in which it is drawn."""
    fonts = {}
    for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", page):
        font = objects[int(number)]
        if b"/ToUnicode" in font:
            width = 2 if b"/Type3" in font else 4  # hexadecimal digits a glyph
            fonts[name] = width, letters(stream(objects[objects.follow(font, b"ToUnicode")]))
    shown, font = [], (4, {})
    for name, glyphs in SHOWN.findall(stream(objects[objects.follow(page, b"Contents")])):
        if name:
            font = fonts.get(name, (4, {}))
        else:
            width, known = font
            codes = [int(glyphs[i : i + width], 16) for i in range(0, len(glyphs), width)]
            shown += [known.get(code, "") for code in codes]
    return "".join("".join(shown).split())


def texts(pdf: bytes) -> list[str]:
    """Return the text of each page, in order, without spaces."""
    objects = Objects(pdf)
    top = objects.follow(objects[objects.follow(objects.trailer, b"Root")], b"Pages")
    return [text_of(objects, objects[number]) for number in leaves(objects, top)]
