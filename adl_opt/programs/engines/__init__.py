"""Engines: exact kernels, HiGHS on arrays, cvxpy with HiGHS or Clarabel.  Each returns a :class:`Raw` answer."""
