"""The command line: ``adl-opt``.

Exit codes: 0 ok, 1 the job failed, 2 wrong usage or bad input, 130 Ctrl-C, 143 SIGTERM.
"""

from __future__ import annotations

import codecs
import os
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from adl_opt.cli import data, evaluation, lists, reports, service, studies
from adl_opt.errors import AdlOptError, Spelled
from adl_opt.version import __version__

app = typer.Typer(
    name="adl-opt",
    help="Optimisation models for auto-deleveraging (ADL): replay policies, solve rounds, prove optima.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for part in (data, lists, evaluation, reports, studies, service):
    for name, command in part.COMMANDS.items():
        app.command(name)(command)
for name, group in (data.GROUPS | lists.GROUPS | studies.GROUPS).items():
    app.add_typer(group, name=name)

USES = """\
adl-opt: optimisation models for auto-deleveraging (ADL).

  How good could anyone have been?       adl-opt optimum oct10
  How far is a heuristic from that?      adl-opt replay oct10 --policy binance --policy pro-rata
                                         adl-opt report oct10 --out report.html
  What about my own rule or model?       adl-opt models
                                         adl-opt solve accounts.csv --budget 25000 --model ./mine

oct10 is October 10, 2025 on Hyperliquid; a folder of yours, from adl-opt import, stands in its place.
adl-opt --help lists all commands, adl-opt policies all rules, adl-opt doctor checks the installation.
"""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"adl-opt {__version__}")
        raise typer.Exit


@app.callback()
def entry(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Optimisation models for auto-deleveraging (ADL)."""
    if context.invoked_subcommand is None:
        typer.echo(USES, nl=False)


def main() -> NoReturn:
    """Run the command line; a user's mistake ends in a message, never in a traceback."""
    streams = sys.stdout, sys.stderr
    for name in ("stdout", "stderr"):
        setattr(sys, name, _spelled(getattr(sys, name)))
    stopped: list[int] = []

    def stop(number: int, _: object) -> NoReturn:
        stopped.append(128 + number)
        raise KeyboardInterrupt

    heard = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    code = _exit_code()
    for number, handler in before.items():
        signal.signal(number, handler)
    sys.stdout, sys.stderr = streams
    sys.exit(stopped[0] if stopped else code)


def _spelled(stream: Any) -> Any:
    """Return a stream on which nothing steers the terminal, and that takes every character."""
    if stream is None:  # closed by whoever started us
        stream = open(os.devnull, "w")  # noqa: SIM115
    if codecs.lookup(stream.encoding or "utf-8").name == "ascii":
        stream.reconfigure(encoding="utf-8")
    return Spelled(stream)


def _exit_code() -> int:
    """Run a command; return its exit code."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except AdlOptError as error:
        typer.echo(f"error: {error}", err=True)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
    except OSError as error:
        typer.echo(f"error: the output cannot be written\n  got: {error}", err=True)
    except MemoryError:
        typer.echo(
            "error: the machine has not enough memory for this\n  ways out:\n    - ask for less", err=True
        )
    return 1


if __name__ == "__main__":
    main()
