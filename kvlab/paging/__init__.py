"""What becomes of memory when sequences of unknown lengths share it: a server simulated with four ways to give it."""

from kvlab.paging.waste import published_share, sequences_at_once, utilisation, waste, waste_share

__all__ = ["published_share", "sequences_at_once", "utilisation", "waste", "waste_share"]
