"""Severity paths: weighted medians, paths of bounded variation, paths with few switches."""
