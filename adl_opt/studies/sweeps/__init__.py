"""Sweeps: policies x scenarios x seeds x parameters, the same rows whatever runs them."""
