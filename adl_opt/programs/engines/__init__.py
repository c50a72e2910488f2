"""Engines: exact kernels, HiGHS on arrays, cvxpy with HiGHS or Clarabel; each returns a ``Raw`` answer."""
