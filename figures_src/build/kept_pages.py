"""Pages of mkdocs, kept by content: one that depends on nothing that has changed is not made again.

Two things of a page are kept. Its content is what Markdown and the book make of its text; it depends on the text, on
the sources that its page module and the book use, their data, the words that it asked for, and the record of
measurements. Its file is what the theme's templates make of the content; it depends on the theme and the navigation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink, get_toc

from figures_src import store
from figures_src.book.book import Book
from figures_src.book.records import PageRecord, module_of
from figures_src.markup.api import documented
from figures_src.markup.summary import front_matter
from figures_src.words.addresses import twin_language

# What renders, next to what `kept.LIBRARIES` names.
LIBRARIES = (
    "griffelib", "jinja2", "markdown", "math-core", "mkdocs", "mkdocs-autorefs", "mkdocs-material",
    "mkdocs-static-i18n", "mkdocstrings", "mkdocstrings-python", "pygments", "pymdown-extensions",
)  # fmt: skip
# Of the configuration, what the content of a page can depend on, and what its file can.
OF_CONTENT = ("markdown_extensions", "mdx_configs", "use_directory_urls", "validation")
OF_FILE = ("site_name", "site_description", "site_url", "copyright", "extra", "extra_css", "extra_javascript", "theme")
# What has a hand in every page next to the book.
MAKERS = [
    store.ROOT / "figures_src" / name
    for name in ("hook.py", "build/kept_pages.py", "build/publishing.py", "markup/frame.py")
]
THEME = store.ROOT / "figures_src/theme/overrides"
GLOSSARY = store.ROOT / "figures_src/words/glossary.toml"


@dataclass(frozen=True)
class Content:
    """A page's content, and what mkdocs has found in it.

    Attributes:
        html: the content.
        meta: the front matter, its tokens replaced.
        heading: the first heading.
        toc: the tree of headings, as Markdown gives it.
        anchors: the ids to which others may link.
        links: the ids to which it links, by file, with each link as it is written.
        record: what the book has to know of it.
    """

    html: str
    meta: dict[str, Any]
    heading: str | None
    toc: list[dict[str, Any]]
    anchors: list[str]
    links: dict[str, dict[str, str]]
    record: dict[str, Any]


class KeptPage(Page):
    """A page that is as it was: it reads and renders nothing."""

    _files: Files
    _kept: Content

    @classmethod
    def turn(cls, page: Page, content: Content, files: Files) -> None:
        """Let a page be a kept one."""
        page.__class__ = cls
        assert isinstance(page, cls)
        page._kept, page._files = content, files

    def read_source(self, config: MkDocsConfig) -> None:  # noqa: ARG002 (the signature is mkdocs')
        """Take the front matter; there is no text to read."""
        self.markdown, self.meta = "", dict(self._kept.meta)

    def render(self, config: MkDocsConfig, files: Files) -> None:  # noqa: ARG002 (likewise)
        """Take the content and what was found in it."""
        self.content, self._title_from_render = self._kept.html, self._kept.heading
        self.toc = get_toc(self._kept.toc)  # type: ignore[arg-type]
        self.present_anchor_ids = set(self._kept.anchors)
        by_path = {file.src_uri: file for file in self._files}
        self.links_to_anchors = {by_path[path]: links for path, links in self._kept.links.items()}


class KeptPages:
    """The pages of one build in one language after the other.

    Args:
        book: what their numbers come from; it is told of each page that is left as it is.
        measurements: what the record of measurements says, as text.
        contents: the last content of each page, by its path in docs, for pages that are left as they were.
    """

    def __init__(self, book: Book, measurements: str, contents: dict[str, str]) -> None:
        self._book, self._measurements, self._contents = book, measurements, contents
        self._keys: dict[str, str] = {}  # of contents, by the page's path in docs
        self._records: dict[str, PageRecord] = {}  # of pages made in this build, likewise
        self._digests: dict[str, str] = {}  # of contents, likewise
        self._frame = ""
        self._indexed = 0

    def recall(self, config: MkDocsConfig, files: Files) -> None:
        """Let each page of a language be a kept one whose content is kept."""
        self._indexed = 0  # the search begins a new list
        shared = self._shared_key(config, files)
        for file in files.documentation_pages():
            self._keys[file.src_uri] = key = self._content_key(file, shared)
            found = store.lookup("contents", key)
            if found is not None and PageRecord(**json.loads(found)["record"]).holds():
                self._leave(file, found, files)

    def postpone(self, page: Page, files: Files) -> bool:
        """Leave a page as it was, whatever has changed; return whether that is possible."""
        return page.file.src_uri in self._contents and self._leave(page.file, self._contents[page.file.src_uri], files)

    def _leave(self, file: File, found: str, files: Files) -> bool:
        content = Content(**json.loads(found))
        if file.page is None or not self._book.records.recall(*place_of(file), PageRecord(**content.record)):
            return False
        KeptPage.turn(file.page, content, files)
        self._note(file, found)
        return True

    def _note(self, file: File, content: str) -> None:
        self._contents[file.src_uri] = content
        self._digests[file.src_uri] = store.digest_of(content)

    def rendered(self, page: Page) -> None:
        """Note what the book knows of the page that it has just finished."""
        self._records[page.file.src_uri] = self._book.records.record(*place_of(page.file))

    def keep_contents(self, config: MkDocsConfig, files: Files, nav: Navigation, is_good: bool) -> None:
        """Keep the content of each page that was rendered, and let those whose file is kept take it.

        After a warning no content is kept: the next build has to give it again.
        """
        for file in files.documentation_pages():
            record = self._records.pop(file.src_uri, None)
            if record is not None and file.page is not None:
                content = json.dumps(asdict(_content_of(file.page, record)))
                if is_good:
                    store.put("contents", self._keys[file.src_uri], content)
                self._note(file, content)
        self._frame = _frame_key(config, files, nav)
        for file in files.documentation_pages():
            if file.page is not None:
                found = store.lookup("files", self._file_key(file.page))
                if found is not None:
                    file.page.meta.update(template="kept.html", kept=json.loads(found), search={"exclude": True})

    def indexed(self, page: Page, entries: list[dict[str, Any]]) -> None:
        """Add the search entries of a page whose file is kept; note those that the search has made of another."""
        if "kept" in page.meta:
            entries += page.meta["kept"]["entries"]
        else:
            page.meta["entries"] = entries[self._indexed :]
        self._indexed = len(entries)

    def written(self, page: Page, output: str) -> None:
        """Keep the file of a page that was made in this build."""
        content = {"output": output, "entries": page.meta["entries"]}
        store.put("files", self._file_key(page), json.dumps(content))

    def _file_key(self, page: Page) -> str:
        return store.key_of(self._digests[page.file.src_uri], self._frame, page.url, str(page.title))

    def _shared_key(self, config: MkDocsConfig, files: Files) -> str:
        """Return the part of contents' keys that is the same for all pages of a language."""
        return store.key_of(
            store.sources_of("figures_src.book.book"),
            store.data_read_by("figures_src.book.book"),
            _generator(config),
            _settings({name: config[name] for name in OF_CONTENT}),
            _settings({name: getattr(plugin, "config", {}) for name, plugin in config.plugins.items()}),
            *sorted(f"{file.src_uri} {file.dest_uri}" for file in files),
            self._measurements,
            *_makers(),
        )

    def _content_key(self, file: File, shared: str) -> str:
        path, language = place_of(file)
        text, module = file.content_string, module_of(path)
        # Of the twin, a page shows the summary.
        twin = store.ROOT / "docs" / twin_language(language) / f"{path}.md"
        uses_glossary = "figures_src.pages.shared.glossary" in store.modules_used_by(module)
        return store.key_of(
            shared,
            file.src_uri,
            file.url,
            text,
            front_matter(twin) if twin.exists() else "",
            store.sources_of(module),
            store.data_read_by(module),
            store.file_digest(GLOSSARY) if uses_glossary else "",
            *(store.documentation_of(name) for name in documented(text)),
        )


def place_of(file: File) -> tuple[str, str]:
    """Return the path of a page below the folder of its language, without suffix, and the language."""
    language, _, path = file.src_uri.partition("/")
    return path.removesuffix(".md"), language


def _content_of(page: Page, record: PageRecord) -> Content:
    meta = {name: value for name, value in page.meta.items() if name not in ("template", "kept", "entries")}
    return Content(
        html=page.content or "",
        meta=meta,
        heading=page._title_from_render,
        toc=[_toc_token(entry) for entry in page.toc],
        anchors=sorted(page.present_anchor_ids or ()),
        links={file.src_uri: links for file, links in (page.links_to_anchors or {}).items()},
        record=asdict(record),
    )


def _toc_token(entry: AnchorLink) -> dict[str, Any]:
    children = [_toc_token(child) for child in entry.children]
    return {"name": entry.title, "id": entry.id, "level": entry.level, "children": children}


def _frame_key(config: MkDocsConfig, files: Files, nav: Navigation) -> str:
    """Return the part of files' keys that is the same for all pages of a language."""
    return store.key_of(
        _generator(config),
        _settings({name: config[name] for name in OF_FILE}),
        *(f"{depth} {item.title} {getattr(item, 'url', '')}" for depth, item in _walked(nav.items)),
        *sorted(f"{file.src_uri} {file.url}" for file in files.documentation_pages()),
        *(f"{path.relative_to(THEME)} {store.file_digest(path)}" for path in sorted(THEME.rglob("*.html"))),
        *_makers(),
    )


def _generator(config: MkDocsConfig) -> str:
    """Return the site generator and its version: each page's head names it, and it may be mkdocs or a fork of it."""
    name = type(config).__module__.partition(".")[0]
    return f"{name} {metadata.version(name)}"


def _walked(items: Iterable[Any], depth: int = 0) -> Iterable[tuple[int, Any]]:
    for item in items:
        yield depth, item
        yield from _walked(item.children or (), depth + 1)


def _settings(settings: Mapping[str, Any]) -> str:
    """Return settings as text that says the same for the same settings: of an object, its class."""
    return json.dumps(_said(settings), sort_keys=True)


def _said(setting: Any) -> Any:
    if isinstance(setting, Mapping):
        return {str(name): _said(value) for name, value in setting.items()}
    if isinstance(setting, list | tuple | set):
        return [_said(value) for value in setting]
    return setting if isinstance(setting, str | int | float | None) else type(setting).__qualname__


@cache
def _makers() -> list[str]:
    """Return what says which versions of the libraries and of the adapter make the pages."""
    return [*(f"{name} {metadata.version(name)}" for name in LIBRARIES), *map(store.file_digest, MAKERS)]
