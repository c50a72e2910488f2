"""Which implementation of the lots kernel runs: numpy always can, numba is faster where it is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

from adl_opt.kernels.lots_book import Book, make_book
from adl_opt.kernels.lots_payers import ArrayPayers, Payers
from adl_opt.kernels.lots_trim import GiveBack, give_back
from adl_opt.kernels.subset_sums import FloatArray, IntArray

SWITCH = "ADL_OPT_FAST"
"""Environment variable: 0 keeps numpy where numba is installed."""


class Engine(NamedTuple):
    """The parts of `minmax_lots` that exist twice; both give the same answers to the last bit."""

    name: str
    make_book: Callable[[FloatArray, FloatArray, IntArray, FloatArray, IntArray], Book]
    payers: Callable[[Book], Payers]
    give_back: GiveBack


NUMPY = Engine("numpy", make_book, ArrayPayers, give_back)


def numba() -> Engine:
    """Return the compiled engine; functions are compiled the first time ever, and a terminal is told."""
    from adl_opt.kernels.compiled import book, jit, payers, trim

    if jit.renew(trim.give_back) and sys.stderr.isatty():
        print("adl_opt: numba compiles the lots kernels, once (about 20 seconds)", file=sys.stderr)
    return Engine("numba", book.make_book, payers.CompiledPayers, trim.give_back)


@cache
def engine() -> Engine:
    """Return the engine of this process: numba where it is installed (the extra ``fast``), else numpy."""
    wanted = os.environ.get(SWITCH, "1") != "0"
    return numba() if wanted and find_spec("numba") else NUMPY
