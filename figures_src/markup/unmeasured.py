"""What stands instead of a paragraph that quotes a missing measurement, or relies on a claim that is false."""

from __future__ import annotations

from xml.etree import ElementTree

from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor

from figures_src.markup.renderer import Reader
from kvlab.benchmark.record import NotMeasuredError

# Behind lists (30), which hand each item down, and in front of the paragraph (10).
PRIORITY = 15


class Unmeasured(BlockProcessor):
    """Replaces a paragraph that cannot stand."""

    def __init__(self, parser: BlockParser, reader: Reader) -> None:
        super().__init__(parser)
        self.reader = reader
        self.sentence, self.kind = "", ""

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002 (the signature is Markdown's)
        """Return whether a measurement is missing, or a claim false."""
        try:
            self.reader.page.require_measured(block)
            self.sentence, self.kind = self.reader.page.refuted(block), "kv-refuted"
        except NotMeasuredError as error:
            self.sentence, self.kind = self.reader.page.unmeasured(error.reason), "kv-unmeasured"
        return self.sentence != ""

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        """Put the sentence there."""
        blocks.pop(0)
        place_sentence(parent, self.sentence, self.kind)


def place_sentence(parent: ElementTree.Element, sentence: str, kind: str = "kv-unmeasured") -> None:
    """Put the sentence where a paragraph would have been; once, where several follow one another."""
    if len(parent) and parent[-1].get("class") == kind and parent[-1].text == sentence:
        return
    ElementTree.SubElement(parent, "p", {"class": kind}).text = sentence
