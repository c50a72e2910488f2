"""The study of October 10, 2025: policies side by side, by what each was allowed to know."""
