"""Terms: the atoms of programs, closed under ``+`` and ``*``."""
