"""Rows of a crowd: a table of floats whose columns are accounts.  Amounts are USD."""

FIRST, SIZE, PLACE = 0, 1, 2
"""First line, number of lines, and place among all accounts of the crowd."""

BASE, CAP, CHEAPEST = 3, 4, 5
"""What burdens are measured by, the most that the account ever pays, and its cheapest lot."""

UNDER, BEST, TOP = 6, 7, 8
"""A sum that fits at the lower end of the interval, one that fits at the upper end, and a bound there."""

MISS, STEP = 9, 10
"""Distance of the largest sum to the cap, probably, now and at any burden."""

GAP, COUNT = 11, 12
"""Distance of sums of one pair problem, and how many pair problems settle the account."""

KNOWN = 13
"""1 where `UNDER` is the largest sum."""

UNDER_SLOT, BEST_SLOT, SLOT = 14, 15, 16
"""Where the lots behind `UNDER`, `BEST` and `LEAST` stand: one of `SLOTS` places."""

ROOM, LEAST, MOST = 17, 18, 19
"""At the present burden: cap, lower bound, upper bound."""

TRIES, NEAR = 20, 21
"""Plan: pair problems at most (0: none), and the distance to the cap at which to stop."""

ROWS, SLOTS = 22, 4
