"""Figures (matplotlib): one style, units and information class on each, drawn from the series."""
