"""Lab 01: the reader writes a cache."""
