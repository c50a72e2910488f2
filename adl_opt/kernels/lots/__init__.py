"""Min-max over whole lots (eq. 8): all accounts may pay, or at most k of them.

The parts, from the bottom up: `base` (tolerances) and `row` (rows of the table of accounts), `problem` (what
is refused), `result` and `certificate`, `book` (positions by account), the leaves `vectors` (numpy, with
`pairs`) and `machine` (numba, with `machine_pairs`), `engine` (which leaf runs), `field` (bounds at a
burden), `search` (the interval around z), `trim` (overshoot), and on top `minmax`, `choice` (at most k
payers) and `tradeoff`.
"""
