"""What each page uses of what its module names, asked now or recorded in an earlier build."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass

from figures_src import store, words
from figures_src.declared.page import Page
from figures_src.errors import BookError
from figures_src.words import LANGUAGES


@dataclass(frozen=True)
class PageRecord:
    """What has to be known of a page to leave it as it is.

    Attributes:
        used: the names that its text uses.
        defined_at: the place in its module of each name that there is.
        refuted: for each place whose words rely on a false claim, file, line and what is false.
        assets: the key of each file that belongs to it, by path.
        words: what it asked for, as language, key and word.
    """

    used: list[str]
    defined_at: dict[str, str]
    refuted: list[str]
    assets: dict[str, str]
    words: list[tuple[str, str, str]]

    def holds(self) -> bool:
        """Return whether its words are what they were."""
        return words.are_still({(language, key): word for language, key, word in self.words})


class PageRecords:
    """The pages of one build.

    Attributes:
        used: the names used, by page and language.
        refuted: likewise, the places whose words rely on a false claim.
        assets: files to write below the site, by path.
    """

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], set[str]] = {}
        self.refuted: dict[tuple[str, str], list[str]] = {}
        self.assets: dict[str, str] = {}
        self._own_assets: dict[str, str] = {}
        self._recalled: dict[tuple[str, str], PageRecord] = {}

    def begin(self, path: str, language: str) -> None:
        """Begin the record of a page."""
        words.asked.clear()
        self._own_assets = {}
        self.used.setdefault((path, language), set())
        self.refuted[path, language] = []

    def add_assets(self, assets: dict[str, str]) -> None:
        """Note files that belong to the page that was begun last."""
        self.assets.update(assets)
        self._own_assets.update(assets)

    def record(self, path: str, language: str) -> PageRecord:
        """Return the record of the page that was begun last."""
        page = page_of(path)
        assets = {asset: store.digest_of(content) for asset, content in self._own_assets.items()}
        for asset, content in self._own_assets.items():
            store.put("assets", assets[asset], content)
        asked = [(lang, key, word) for (lang, key), word in words.asked.items()]
        used, refuted = sorted(self.used[path, language]), self.refuted[path, language]
        return PageRecord(used, page.defined_at, refuted, assets, asked)

    def recall(self, path: str, language: str, record: PageRecord) -> bool:
        """Leave a page as it was recorded; return whether all its files are kept."""
        assets = {asset: store.lookup("assets", key) for asset, key in record.assets.items()}
        if None in assets.values():
            return False
        self.assets.update(assets)
        self._recalled[path, language] = record
        self.used[path, language] = set(record.used)
        self.refuted[path, language] = record.refuted
        return True

    def unused(self) -> list[str]:
        """Return a complaint for each named result that a page does not show in every language."""
        complaints = []
        for path in sorted({path for path, _ in self.used}):
            for name, where in self._defined_at(path).items():
                missing = [f"docs/{lang}/{path}.md" for lang in LANGUAGES if name not in self.used[path, lang]]
                if missing:
                    complaints.append(f"{where}: {name!r} is not used in {' or '.join(missing)}; use it or remove it")
        return complaints

    def all_refuted(self) -> list[str]:
        """Return all places whose words rely on a false claim, with file and line."""
        return [place for key in sorted(self.refuted) for place in self.refuted[key]]

    def _defined_at(self, path: str) -> dict[str, str]:
        recalled = next((self._recalled[path, lang] for lang in LANGUAGES if (path, lang) in self._recalled), None)
        return recalled.defined_at if recalled else page_of(path).defined_at


def page_of(path: str) -> Page:
    """Return what a page's module declares. Raises `BookError` where there is no such module."""
    module = module_of(path)
    try:
        page: Page = importlib.import_module(module).page
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise BookError(f"docs/*/{path}.md has no page module {module.replace('.', '/')}.py; write one") from None
    return page


def module_of(path: str) -> str:
    """Return the name of the module of a page."""
    return f"figures_src.pages.{re.sub(r'[/-]', '_', path)}"
