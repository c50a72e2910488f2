"""Certificates and their checks. This room imports nothing of the package."""
