"""Studies: many policies side by side, on what each was allowed to know."""
