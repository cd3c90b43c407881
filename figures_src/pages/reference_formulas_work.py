"""`reference/formulas-work`: the formulas of work, traffic and time, each read from its function."""

from __future__ import annotations

from figures_src.declared.page import Page
from figures_src.pages.reference_formulas import OF_WORK, define_sheet

page = Page("reference/formulas-work")
for room in OF_WORK:
    define_sheet(page, room)
