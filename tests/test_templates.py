"""Protects the theme's templates: the files that mkdocs copies are those that it would find by itself."""

from jinja2 import FileSystemLoader
from mkdocs.config import load_config

from figures_src import store
from figures_src.build import templates


def test_the_loader_lists_what_its_parent_does_but_for_hidden_folders():
    theme = load_config(str(store.ROOT / "mkdocs.yml")).theme
    every = FileSystemLoader(theme.dirs).list_templates()
    assert any(name.startswith(".icons/") for name in every)
    assert templates.ThemeLoader(theme.dirs).list_templates() == [name for name in every if name[0] != "."]


def test_a_new_file_of_our_own_theme_is_found_though_listings_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setattr(store, "STORE", tmp_path / "store")
    own, installed = tmp_path / "figures_src/theme", tmp_path / "installed"
    for folder in (own, installed):
        folder.mkdir(parents=True)
        (folder / f"{folder.name}.css").write_text("")
    loader = templates.ThemeLoader([own, installed])
    assert loader.list_templates() == ["installed.css", "theme.css"]
    (own / "new.css").write_text("")
    (installed / "another version.css").write_text("")
    assert loader.list_templates() == ["installed.css", "new.css", "theme.css"]


def test_a_template_is_compiled_once_for_its_content(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "STORE", tmp_path / "store")
    (tmp_path / "page.html").write_text("{{ 1 + 1 }}")

    class Theme:
        dirs = (str(tmp_path),)

        def get_env(self):
            return templates.Environment()

    def rendered():
        theme = Theme()
        templates.use_in(theme)
        return theme.get_env().get_template("page.html").render()

    def n_kept():
        return store._database().execute("SELECT count(*) FROM kept WHERE kind = 'templates'").fetchone()[0]

    assert (rendered(), rendered(), n_kept()) == ("2", "2", 1)
    (tmp_path / "page.html").write_text("{{ 1 + 2 }}")
    assert (rendered(), n_kept()) == ("3", 2)
