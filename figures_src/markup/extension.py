"""What the book adds to Markdown: tokens, directives, and a sentence instead of a measurement that is missing."""

from __future__ import annotations

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor

from figures_src.markup import directives, tokens, unmeasured
from figures_src.markup.renderer import Reader, Renderer


class BookExtension(Extension):
    """Asks the renderer of a page for all that has to be known of it.

    Attributes:
        page: the renderer of the page that is being read: Markdown is set up once, and reads one page after another.
    """

    page: Renderer

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (the name is Markdown's)
        """Register the processors."""
        md.preprocessors.register(_Marker(md, self), "kvlab-tokens", tokens.PRIORITY)
        processors = md.parser.blockprocessors
        processors.register(directives.Directives(md.parser, self), "kvlab-directives", directives.PRIORITY)
        processors.register(unmeasured.Unmeasured(md.parser, self), "kvlab-unmeasured", unmeasured.PRIORITY)


class _Marker(Preprocessor):
    def __init__(self, md: Markdown, reader: Reader) -> None:
        super().__init__(md)
        self.reader = reader

    def run(self, lines: list[str]) -> list[str]:
        return [tokens.mark(line, self.reader.page.tokens) for line in lines]
