"""`kvlab bench`: ratios of times measured in one run, each of the least of many interleaved rounds."""

from __future__ import annotations
