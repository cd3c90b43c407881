"""How time is measured, against what, and the record of what was measured."""
