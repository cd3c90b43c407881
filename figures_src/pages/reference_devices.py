"""x."""

from figures_src.page import Page

page = Page("reference/devices")
