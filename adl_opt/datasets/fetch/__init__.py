"""Public files of an event: named by pinned commit, fetched, verified (``adl-opt fetch``)."""
