"""Compiled twins of the min-max lots kernels (numba, the extra ``fast``): the same steps, the same answers.

Every function here does, account by account, what its numpy twin does for all accounts at once, and adds in
the same order, so both give the same numbers to the last bit.
"""
