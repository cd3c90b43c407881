"""The mkdocs adapter: it hands each event to the book, and knows nothing else. Another generator needs another one."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

ROOT, LOG = Path(__file__).parents[1], logging.getLogger("mkdocs")
build: Any = None  # a figures_src.build.publishing.Build, whose class is another at each build
live: Any = None  # the figures_src.build.live.Live of a live server, which outlives a build
navigation: Any = None  # of the language that is being built


def on_startup(command: str, **_: Any) -> None:
    """Remember whether the live server asks."""
    global live
    sys.path[:] = [str(ROOT), *(path for path in sys.path if path != str(ROOT))]
    live = ours("build.live").Live() if command == "serve" else None


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Begin a site build with fresh modules, so that a live server shows a change in them; once, not per language."""
    global build
    # book.css has what the pages on the API need: no page asks for another file, in either language.
    config.extra_css = [path for path in config.extra_css if "mkdocstrings" not in str(path)]
    if config.plugins["i18n"].building:  # type: ignore[attr-defined]
        config.theme.static_templates.discard("404.html")  # it is in both languages, and there already
        return config
    config.theme.static_templates.add("404.html")
    sys.path[:] = [str(ROOT), *(path for path in sys.path if path != str(ROOT))]
    for name in [name for name in sys.modules if name.split(".")[0] in ("kvlab", "figures_src")]:
        del sys.modules[name]
    ours("build.bytecode").install(ROOT)
    ours("build.templates").use_in(config.theme)
    build = guarded(lambda: ours("build.publishing").Build(ROOT, Path(config.site_dir), live, LOG.info))
    config.site_dir = str(build.folder)
    # The live server hands in the same configuration, and in it our extensions of the build before.
    others = [extension for extension in config.markdown_extensions if "figures_src" not in type(extension).__module__]
    config.markdown_extensions = [*others, build.book.extension]
    return config


@event_priority(-200)  # after i18n (−100), which leaves the pages of one language
def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Leave each page as it is that depends on nothing that has changed."""
    global navigation
    navigation = nav
    if live:
        live.begin_language(files, is_first=not config.plugins["i18n"].building)  # type: ignore[attr-defined]
    guarded(lambda: build.pages.recall(config, files))
    return nav


@event_priority(-60)  # after autorefs (−50), which finishes links in the pages' content
def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Keep the pages' content."""
    guarded(lambda: build.pages.keep_contents(config, files, navigation, is_good=not warned()))
    if live and config.plugins["i18n"].building:  # type: ignore[attr-defined]
        live.end_if_copy()
    return env


def on_serve(server: Any, config: MkDocsConfig, builder: Callable[[], None]) -> None:
    """Make a change show soon."""
    live.attach(server, [config.docs_dir, config.config_file_path], builder, lambda: guarded(build.check))


def on_pre_page(page: Page, files: Files, **_: Any) -> Page:
    """Leave a page as it was if it can wait."""
    if not is_kept(page):
        build.postpone(page, files)
    return page


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Tell the book which page comes."""
    if is_kept(page):
        return markdown
    language, source = page.file.src_uri.split("/")[0], Path(page.file.abs_src_path or "")
    path = Path(page.file.src_uri).with_suffix("").relative_to(language).as_posix()
    guarded(lambda: build.book.open_page(path, language, source, page.url, page.meta))
    return markdown


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Finish the page: its titles in menus, its numbers and formulas, and the two summaries."""
    if is_kept(page):
        return html
    guarded(lambda: build.finish_titles([page, *page.toc]))
    html = guarded(lambda: build.book.close_page(html))
    guarded(lambda: build.pages.rendered(page))
    return html


@event_priority(-50)  # after the search, which reads the page
def on_page_context(context: Any, page: Page, config: MkDocsConfig, **_: Any) -> Any:
    """Give the search what is kept of a page."""
    build.pages.indexed(page, config.plugins["material/search"].search_index.entries)  # type: ignore[attr-defined]
    return context


@event_priority(-200)
def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Keep the page's file, without the indents of the theme's templates; one that is kept has none."""
    if "kept" not in page.meta:
        output = ours("markup.frame").without_indents(output)
        build.pages.written(page, output)
    return output


@event_priority(-200)  # after i18n (−100), which builds the other languages in this event
def on_post_build(config: MkDocsConfig) -> None:
    """Finish the site once all languages are built. With a warning, a strict build is about to fail."""
    if not config.plugins["i18n"].building:  # type: ignore[attr-defined]
        guarded(lambda: build.finish(is_good=not warned()))


def on_build_error(error: Exception, **_: Any) -> None:
    """Leave nothing of a failed build. Of an error of ours within Markdown, mkdocs has printed the sentence."""
    if build:
        build.discard()
    if isinstance(error, ours("errors").KvlabError):
        raise Abort("Aborted with an error in a page!")


def ours(module: str) -> ModuleType:
    """Return a module of this folder as it is now."""
    return importlib.import_module(f"figures_src.{module}")


def warned() -> bool:
    """Return whether this build has given a warning."""
    return any(handler.get_counts() for handler in LOG.handlers if hasattr(handler, "get_counts"))


def is_kept(page: Page) -> bool:
    """Return whether a page is left as it is."""
    return isinstance(page, ours("build.kept_pages").KeptPage)


def guarded(work: Callable[[], Any]) -> Any:
    """Run `work`; an error of ours becomes mkdocs' own, so that a build fails with a sentence and not a traceback."""
    return ours("errors").guarded(work, PluginError)
