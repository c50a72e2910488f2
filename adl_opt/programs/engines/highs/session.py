"""HiGHS itself: opened without a word, its options by name, and run so that Ctrl-C and the clock can stop it.

The class under ``highspy.Highs`` is used: that one has locks of the class, so that two threads cannot solve
at once, and prints a banner to stdout when it is made.  Each run has a thread of its own, because HiGHS keeps
one scheduler for each thread, and the caller may use HiGHS too, with another number of threads.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from functools import partial
from threading import Event, Thread
from typing import Any

from adl_opt.errors import SolverError, UsageError
from adl_opt.naming import unknown_name
from adl_opt.programs.options import Options

SMALLEST_ENTRY = 1e-12
"""HiGHS drops what is smaller, and warns; certificates are recomputed on the whole model."""

GAP_MARGIN = 0.99
"""HiGHS closes a little more than the gap asked for: rounding whole columns moves the value a little."""

LATE = 0.2
"""Seconds after its time limit at which HiGHS is told to stop."""

FIXED = {"threads": 1, "parallel": "off", "small_matrix_value": SMALLEST_ENTRY, "log_to_console": False}
"""Options that nobody may change: the same input gives the same bits, and nothing goes to stdout."""


OURS = {
    "output_flag": "log",
    "random_seed": "seed",
    "time_limit": "time_limit_seconds",
    "mip_max_nodes": "node_limit",
    "mip_rel_gap": "mip_gap",
    "primal_feasibility_tolerance": "feasibility_tolerance",
    "mip_feasibility_tolerance": "feasibility_tolerance",
}
"""Options that have a name of ours."""


def settings_of(options: Options) -> dict[str, Any]:
    """Return the options of a solve in the words of HiGHS."""
    settings: dict[str, Any] = {
        "output_flag": options.log,
        "random_seed": options.seed,
        "primal_feasibility_tolerance": options.feasibility_tolerance,
        "dual_feasibility_tolerance": 1e-10,
        "mip_feasibility_tolerance": options.feasibility_tolerance,
        "mip_rel_gap": GAP_MARGIN * options.mip_gap,
        "mip_abs_gap": 0.0,
    }
    if options.node_limit is not None:
        settings["mip_max_nodes"] = options.node_limit
    return settings


def check_highs_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that HiGHS does not have, refuses, or that has another name here."""
    import highspy

    known = [name for name in dir(highspy.HighsOptions) if name[0] != "_"]
    highs = opened({})
    for name, value in options.items():
        if name not in known:
            raise unknown_name("option of HiGHS", name, known)
        if name in FIXED or name in OURS:
            ours = f"give {OURS[name]} instead" if name in OURS else "leave it out: it is fixed"
            raise UsageError(f"option {name!r} of HiGHS is set here", got=repr(value), ways_out=[ours])
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise UsageError(
                f"HiGHS refuses option {name!r}",
                got=repr(value),
                ways_out=["give a value that HiGHS documents"],
            )


def opened(settings: Mapping[str, Any]) -> Any:
    """Return a HiGHS on one thread, with these options; silent but for a log that is asked for."""
    from highspy import _core

    highs: Any = _core._Highs()
    for name, value in {"output_flag": False, **FIXED, **settings}.items():
        checked(highs.setOptionValue(name, value), f"option {name}")
    return highs


def checked(status: Any, step: str, *, warning_ok: bool = False) -> None:
    """Raise SolverError where HiGHS refuses a step."""
    import highspy

    allowed = {highspy.HighsStatus.kOk} | ({highspy.HighsStatus.kWarning} if warning_ok else set())
    if status not in allowed:
        raise SolverError(
            f"HiGHS refuses: {step}",
            got=str(status),
            ways_out=["check the data of the terms", "try engine='cvxpy'"],
        )


def run_stoppable(highs: Any, until: float = math.inf) -> bool:
    """Solve in a thread that Ctrl-C and the clock can stop, and say whether Ctrl-C did.

    HiGHS keeps what it has.

    Parameters
    ----------
    highs : HiGHS, with a model
    until : float
        Time of ``time.monotonic()`` at which to stop.
    """
    from highspy._core import cb

    if math.isfinite(until):  # the clock of HiGHS adds up over runs
        left = max(until - time.monotonic(), 0.0)
        checked(highs.setOptionValue("time_limit", float(highs.getRunTime()) + left), "option time_limit")
    stop, done, kinds, interrupted = Event(), Event(), cb.HighsCallbackType, False
    checked(highs.setCallback(partial(_heard, stop), None), "callback")
    for kind in (
        *(kinds.kCallbackSimplexInterrupt, kinds.kCallbackIpmInterrupt, kinds.kCallbackMipInterrupt),
        *([kinds.kCallbackLogging] if highs.getOptionValue("output_flag")[1] else []),
    ):
        checked(highs.startCallback(kind), "callback")
    Thread(target=_solve, args=(highs, done), daemon=True).start()
    while not done.is_set():  # not Thread.join: Ctrl-C there makes a running thread look finished
        try:
            done.wait(0.1)
        except KeyboardInterrupt:
            interrupted = True
        if interrupted or time.monotonic() > until + LATE:
            stop.set()
    highs.setCallback(None, None)
    return interrupted


def _solve(highs: Any, done: Event) -> None:
    try:
        highs.run()
    finally:
        done.set()


def _heard(stop: Event, _kind: Any, message: str, _out: Any, told: Any, _data: Any) -> None:
    """Answer HiGHS: stop where that is asked for; a line of its log goes to stderr."""
    if told is None:
        sys.stderr.write(message)
    elif stop.is_set():
        told.user_interrupt = True
