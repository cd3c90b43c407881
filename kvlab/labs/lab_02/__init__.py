"""Lab 02: the reader writes a test that finds broken caches."""
