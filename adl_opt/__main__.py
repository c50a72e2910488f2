"""``python -m adl_opt`` is ``adl-opt``."""

from adl_opt.cli import main

main()
