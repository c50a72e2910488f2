"""Attacks on the package: hostile policies, kills, flipped bits.  ``python -m benchmarks.attack NAME``."""
