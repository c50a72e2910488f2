"""Evaluation: replay policies over an episode, and say what they cost against what was possible."""
