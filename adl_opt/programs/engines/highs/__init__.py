"""The engine HiGHS: linear and mixed-integer programs as arrays."""
