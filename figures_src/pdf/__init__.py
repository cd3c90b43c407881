"""The book on paper: one PDF a language, printed by a browser."""
