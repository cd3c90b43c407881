"""What stands where a measurement is missing: a paragraph that quotes one is replaced by a sentence that says so."""

from __future__ import annotations

from xml.etree import ElementTree

from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor

from figures_src.markup.renderer import Reader
from kvlab.benchmark.record import NotMeasuredError

# Behind lists (30), which hand each item down, and in front of the paragraph (10).
PRIORITY = 15


class Unmeasured(BlockProcessor):
    """Replaces a paragraph that names a value without a measurement."""

    def __init__(self, parser: BlockParser, reader: Reader) -> None:
        super().__init__(parser)
        self.reader = reader
        self.error: NotMeasuredError | None = None

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002 (the signature is Markdown's)
        """Return whether a measurement is missing."""
        try:
            self.reader.page.require_measured(block)
        except NotMeasuredError as error:
            self.error = error
            return True
        return False

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        """Put the sentence there."""
        blocks.pop(0)
        assert self.error is not None  # test() has seen it
        place_sentence(parent, self.reader.page.unmeasured(self.error.reason))


def place_sentence(parent: ElementTree.Element, sentence: str) -> None:
    """Put the sentence where a paragraph would have been; once, where several follow one another."""
    if len(parent) and parent[-1].get("class") == "kv-unmeasured" and parent[-1].text == sentence:
        return
    ElementTree.SubElement(parent, "p", {"class": "kv-unmeasured"}).text = sentence
