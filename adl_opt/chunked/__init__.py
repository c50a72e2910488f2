"""Rounds too large for memory: accounts stream from a Parquet file, haircuts stream to another."""

from adl_opt.chunked.result import ChunkedResult
from adl_opt.chunked.solve import solve_chunked

__all__ = ["ChunkedResult", "solve_chunked"]
