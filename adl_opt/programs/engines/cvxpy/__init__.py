"""The engine cvxpy: terms as expressions, solved by Clarabel or another of its solvers."""
