"""Policies: a severity and an allocation under one name, and programs as policies."""
