"""The mkdocs adapter: it hands each event to the book, and knows nothing else. Another generator needs another one."""

from __future__ import annotations

import importlib
import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import Environment, FileSystemBytecodeCache
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

    from figures_src.book import Book

ROOT = Path(__file__).parents[1]
T = TypeVar("T")
log = logging.getLogger("mkdocs.hooks.kvlab")
book: Book
serving = False


def on_startup(command: str, **_: Any) -> None:
    """Remember what mkdocs was asked for: the live server never measures."""
    global serving
    serving = command == "serve"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Begin a site build with fresh modules, so that a live server shows a change in them; once, not per language."""
    global book
    if config.plugins["i18n"].building:  # type: ignore[attr-defined]
        config.theme.static_templates.discard("404.html")  # it is in both languages, and there already
        return config
    config.theme.static_templates.add("404.html")
    sys.dont_write_bytecode = True  # the live server watches these folders
    sys.path[:] = [str(ROOT), *(path for path in sys.path if path != str(ROOT))]
    for name in [name for name in sys.modules if name.split(".")[0] in ("kvlab", "figures_src")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    book = guarded(lambda: importlib.import_module("figures_src.book").Book(ROOT, guarded))
    if not serving:
        record = importlib.import_module("kvlab.benchmark.record")
        trouble = guarded(lambda: record.ensure(lambda: log.info("measuring this machine once, half a minute")))
        if trouble:
            log.info(f"no new measurement, and the pages say so: {trouble}")  # a busy machine fails no build
    # Those of the build before are instances, and the live server hands in the same configuration.
    named = [extension for extension in config.markdown_extensions if isinstance(extension, str)]
    config.markdown_extensions = [*named, book.tokens, book.blocks, book.unmeasured]  # type: ignore[list-item]
    return config


def on_env(env: Environment, **_: Any) -> Environment:
    """Keep the theme's compiled templates: most of what a warm build would do is to compile them again."""
    folder = ROOT / ".cache" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    env.bytecode_cache = FileSystemBytecodeCache(str(folder))
    return env


def on_serve(server: Any, **_: Any) -> None:
    """Make the first change show soon: the server hardly waits for a second one, and what draws is loaded already."""
    server.build_delay = 0.05
    figure = importlib.import_module("matplotlib.figure").Figure()
    figure.subplots().set_title("ready")
    figure.savefig(io.StringIO(), format="svg")


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Tell the book which page comes."""
    path = Path(page.file.src_uri).with_suffix("").relative_to(language_of(page)).as_posix()
    source = Path(page.file.abs_src_path or "")
    guarded(lambda: book.open_page(path, language_of(page), source, page.url, page.meta))
    return markdown


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Finish the page: its numbers and formulas, its table of contents, and the two summaries."""

    def finish() -> str:
        page.title = book.plain_mark(page.title or "")
        for entry in all_entries(page.toc):
            entry.title = book.plain_mark(entry.title)
        return book.close_page(html)

    return guarded(finish)


@event_priority(-200)  # behind i18n (−100), which builds the other languages in this event
def on_post_build(config: MkDocsConfig) -> None:
    """Write what lies beside the pages, once all languages are built."""
    if config.plugins["i18n"].building:  # type: ignore[attr-defined]
        return
    guarded(lambda: book.finish(Path(config.site_dir)))
    importlib.import_module("figures_src.search").write_indexes(Path(config.site_dir))
    for complaint in book.false_claims():
        log.info(complaint)  # no warning, which would fail a strict build
    log.info(f"figures drawn: {book.drawn}, calls run: {book.ran()}; the rest was kept")


def guarded(work: Callable[[], T]) -> T:
    """Run `work`; an error of ours becomes mkdocs' own, so that a build fails with a sentence and not a traceback."""
    try:
        return work()
    except SyntaxError as error:
        raise PluginError(f"{error.filename}:{error.lineno}: {error.msg}") from None
    except ValueError as error:
        # By name: the class was imported anew with the rest, and is no longer the one that stood here.
        if any(cls.__name__ == "KvlabError" for cls in type(error).__mro__):
            raise PluginError(str(error)) from None
        raise


def language_of(page: Page) -> str:
    """Return the page's language: the folder of `docs` that it lies in."""
    return page.file.src_uri.split("/")[0]


def all_entries(entries: Any) -> list[Any]:
    """Return the entries of a table of contents, nested ones included."""
    return [entry for top in entries for entry in (top, *all_entries(top.children))]
