"""Side-by-side measurements: the kernels, their peers and the floor of one numpy pass, in one run."""
