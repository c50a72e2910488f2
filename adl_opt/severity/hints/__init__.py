"""Hints: forecasts of the needed budget from the flow, and learners that use them."""
