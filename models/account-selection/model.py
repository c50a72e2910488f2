"""account-selection: an exact budget from few accounts, none of them for a trifle."""

from adl_opt.programs import ExactBudget, MaxAccounts, MaxBurden, MinTicket, RoundProgram

KIND = "round"


def build(k: int = 50, ticket: float = 100.0, base: str = "capacity") -> RoundProgram:
    """Minimise z, x_i <= z base_i, sum x = B, at most k accounts pay, x_i = 0 or x_i >= ticket USD."""
    rules = [ExactBudget(), MaxAccounts(k), MinTicket(ticket)]
    return RoundProgram(MaxBurden(base), rules, name="account-selection")
