"""Programs: optimisation models over rounds and episodes."""
