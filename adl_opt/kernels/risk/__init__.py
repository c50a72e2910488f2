"""Risk-based auto-deleveraging: which contracts to close so that future equity shortfalls are least."""
