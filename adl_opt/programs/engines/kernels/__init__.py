"""The engine of closed forms: programs whose shape an exact kernel solves."""
