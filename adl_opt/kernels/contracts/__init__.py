"""Min-max burden in contract space: each market and side is paid by its own positions.

The parts, from the bottom up: `base` (tolerances), `flow` (maximum flow), the leaves `vectors` (numpy) and
`machine` (numba), `engine` (which leaf runs), `problem` (what is refused), `certificate` and `result`,
`book` (legs by cell), `blocks` (cells that share a level), `levels` (the search), and `minmax`.  Whole lots:
`lots_result`, `repair` (rounding up to an aim), and on top `lots`.
"""
