"""Figures (matplotlib): one style, units and information class on each; see :mod:`.gallery` for the list."""
