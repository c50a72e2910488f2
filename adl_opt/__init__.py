"""adl_opt: optimisation models for auto-deleveraging (ADL) in perpetual-futures exchanges."""

__version__ = "0.1.0"
