"""`reference/api/formula`: no results; what the page lists is read from the sources by mkdocstrings."""

from __future__ import annotations

from figures_src.declared.page import Page

page = Page("reference/api/formula")
