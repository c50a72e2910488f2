"""``python -m adl_opt.cli`` is ``adl-opt``."""

from adl_opt.cli.app import main

main()
