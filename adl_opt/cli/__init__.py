"""The command line: one file for each group of commands, each a thin skin over a function of ``adl_opt``."""
