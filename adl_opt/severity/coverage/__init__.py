"""Severities that promise how much stays uncovered at most, whatever the rounds are."""
