"""A policy in service: run beside production, with a log that cannot be changed unseen, and explained."""
