"""`reference/api/index`: no results; it leads to the other pages on the API."""

from __future__ import annotations

from figures_src.declared.page import Page

page = Page("reference/api/index")
