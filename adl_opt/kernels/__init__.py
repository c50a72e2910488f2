"""Closed forms and exact algorithms on plain numpy arrays (no nouns, no solver)."""
