"""Lab 03: the reader measures cost curves."""
