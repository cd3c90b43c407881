"""What stands where a measurement is missing: a paragraph that quotes one is replaced by a sentence that says so."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from markdown import Markdown
from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension

from kvlab.benchmark.record import NotMeasuredError

# Behind lists (30), which hand each item down, and in front of the paragraph (10).
PRIORITY = 15


class UnmeasuredExtension(Extension):
    """Replaces paragraphs.

    `check` raises `NotMeasuredError` for a text that names a value without a measurement; `sentence` says it in words.
    """

    def __init__(self, check: Callable[[str], None], sentence: Callable[[NotMeasuredError], str]) -> None:
        super().__init__()
        self.check, self.sentence = check, sentence

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the name is Markdown's)
        """Register the block processor."""
        md.parser.blockprocessors.register(_Unmeasured(md.parser, self), "kvlab-unmeasured", PRIORITY)


class _Unmeasured(BlockProcessor):
    def __init__(self, parser: BlockParser, extension: UnmeasuredExtension) -> None:
        super().__init__(parser)
        self.extension = extension
        self.error: NotMeasuredError | None = None

    def test(self, parent: ElementTree.Element, block: str) -> bool:  # noqa: ARG002 (the signature is Markdown's)
        try:
            self.extension.check(block)
        except NotMeasuredError as error:
            self.error = error
        else:
            self.error = None
        return self.error is not None

    def run(self, parent: ElementTree.Element, blocks: list[str]) -> None:
        blocks.pop(0)
        assert self.error is not None  # test() has seen it
        place_sentence(parent, self.extension.sentence(self.error))


def place_sentence(parent: ElementTree.Element, sentence: str) -> None:
    """Put the sentence where a paragraph would have been; once, where several follow one another."""
    if len(parent) and parent[-1].get("class") == "kv-unmeasured" and parent[-1].text == sentence:
        return
    ElementTree.SubElement(parent, "p", {"class": "kv-unmeasured"}).text = sentence
