"""Certificates of answers, whoever found them.  This room imports nothing of the package."""
