"""Data sets: loaders and generators of episodes."""
