"""HyperReplay rows of ADL fills, and the real October 10 built from public files."""
