"""``python -m adl_opt`` is ``adl-opt``."""

from adl_opt.cli.app import main

main()
