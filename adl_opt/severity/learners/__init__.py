"""Learners of the severity: online learning with regret bounds."""
