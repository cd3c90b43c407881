"""`reference/checked-claims-work`: the second page of claims, judged together with the first."""

from __future__ import annotations

from figures_src.pages.reference_checked_claims import work

page = work
