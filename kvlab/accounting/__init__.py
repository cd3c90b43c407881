"""Exact accounting: one function a quantity, plain integers in, plain integers out."""
