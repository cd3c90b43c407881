"""Generating text with a cache and without, comparing the two byte by byte, and looking into a run."""
