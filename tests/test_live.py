"""Protects the live server: the viewed page comes first, and no page is seen that is still to be made."""

import time
from pathlib import Path
from threading import Thread

import pytest
from mkdocs.livereload import LiveReloadServer
from mkdocs.structure.files import File, Files

from figures_src.build import live as live_module
from figures_src.build.live import Live

PAGES = {"index.html", "es/index.html", "a.html", "es/a.html", "b.html", "es/b.html"}


class Site:
    """A site whose pages are numbers: that of the edit with which each was made."""

    def __init__(self, folder):
        self.folder, self.edit, self.live, self.said = folder, 0, Live(), []
        self.between, self.pages = (lambda: None), {}
        self.build()
        self.server = LiveReloadServer(self.build, "127.0.0.1", 0, str(folder))
        self.server.set_app(lambda environ, start: [(Path(self.server.root) / environ["PATH_INFO"][1:]).read_bytes()])
        self.live.attach(self.server, [], self.build, lambda: self.said.append("checked"))

    def build(self):
        made = {page for page in PAGES if self.pages.get(page) != self.edit}
        for page in made:
            if self.live.can_wait(page):
                self.live.postponed.add(page)
            else:
                self.pages[page] = self.edit
        folder = self.live.folder(self.folder)
        for page, edit in self.pages.items():
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            (folder / page).write_text(str(edit))
        self.said.append(sorted(page for page in made if self.pages[page] == self.edit))
        self.between()

    def save(self):
        self.edit += 1
        self.said.clear()
        self.server._want_rebuild = False
        self.server.builder()

    def read(self, page):
        [content] = self.server.get_app()({"PATH_INFO": f"/{page}"}, None)
        return content.decode()


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(live_module.style, "warm_up", lambda: None)
    one = Site(tmp_path)
    yield one
    one.server.server_close()


def test_the_page_that_was_looked_at_last_and_its_twin_come_first_and_then_the_others(site):
    assert site.read("es/a.html") == "0"
    site.save()
    assert site.said == [["a.html", "es/a.html"], ["b.html", "es/b.html", "es/index.html", "index.html"], "checked"]
    assert {site.read(page) for page in PAGES} == {"1"}


def test_browsers_are_told_once_the_first_pages_are_there(site):
    site.read("a.html")
    site.server._wanted_epoch = site.server._visible_epoch + 1
    told = []
    site.between = lambda: told.append(site.server._visible_epoch == site.server._wanted_epoch)
    site.save()
    assert told == [False, True]


def test_a_page_that_is_still_to_be_made_is_waited_for(site):
    site.read("a.html")
    seen = []
    reader = Thread(target=lambda: seen.append(site.read("b.html")))

    def between():
        if not reader.ident:  # after the first pass is built, before it is published
            site.between = lambda: (reader.start(), reader.join(0.2), seen.append("still waiting"))

    site.between = between
    site.save()
    reader.join(10)
    assert seen == ["still waiting", "1"]


def test_an_edit_in_between_begins_again_and_what_is_not_made_stays_unseen(site):
    site.read("a.html")
    site.between = lambda: setattr(site.server, "_want_rebuild", True)
    site.save()
    assert site.said == [["a.html", "es/a.html"]]
    assert site.live._pending == PAGES - {"a.html", "es/a.html"}
    site.between = lambda: None
    site.save()
    assert {site.read(page) for page in PAGES} == {"2"}
    assert site.said[-1] == "checked"


def test_the_other_language_is_made_in_a_process_of_its_own_and_waited_for_from_the_last_page_on(site):
    site.read("a.html")
    made = site.folder / "made by the copy"

    def begin_both_languages():
        if site.said[-1] == ["a.html", "es/a.html"]:
            return
        files = Files([File(f"{name}.md", None, "", use_directory_urls=False) for name in "xyz"])
        site.live.begin_language(files, is_first=True)
        if site.live._is_copy:
            time.sleep(0.2)  # a build that did not wait would be done
            made.write_text(f"{site.said[-1]} {[file.src_uri for file in files]}", encoding="utf-8")
            site.live.end_if_copy()
        site.live.begin_language(files, is_first=False)
        site.live.end_if_copy()
        site.said.append(made.read_text(encoding="utf-8"))

    site.between = begin_both_languages
    site.save()
    assert site.said[2] == "['es/b.html', 'es/index.html'] ['z.md', 'y.md', 'x.md']"
    assert site.said[1] == ["b.html", "es/b.html", "es/index.html", "index.html"]


def test_another_edit_ends_the_process_of_the_other_language(site):
    site.read("a.html")

    def edit_meanwhile():
        if site.live._is_copy:
            time.sleep(60)
        elif site.said[-1] != ["a.html", "es/a.html"]:
            site.server._want_rebuild = True
            site.live.begin_language(Files([]), is_first=False)

    site.between, began = edit_meanwhile, time.monotonic()
    site.save()
    assert site.live._copy is None
    assert time.monotonic() - began < 30


def test_a_build_that_fails_leaves_what_is_served(site):
    def fail():
        raise RuntimeError

    site.between = fail
    with pytest.raises(RuntimeError):
        site.save()
    assert site.read("b.html") == "0"


def test_a_second_pass_that_fails_leaves_the_other_pages_as_they_were(site):
    site.read("a.html")

    def fail_in_the_second():
        if len(site.said) > 1:
            raise RuntimeError

    site.between = fail_in_the_second
    with pytest.raises(RuntimeError):
        site.save()
    seen = []
    Thread(target=lambda: seen.append((site.read("a.html"), site.read("b.html"))), daemon=True).start()
    for _ in range(100):
        if not seen:
            time.sleep(0.05)
    assert seen == [("1", "0")]
