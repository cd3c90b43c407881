"""x."""
from figures_src.page import Page
page = Page("theory/04-toward-paged-attention")
