"""A policy table in LaTeX that any document takes as it is: no package, every character escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence

from adl_opt.evaluate.record import PolicySummary, settles_within

# Brackets and stars would be options of the line break before them; hyphens and quotes would join.
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': r"{\char34}",
    "`": r"{\char96}",
    "'": r"{\char39}",
    "-": "-{}",
    "[": "{[}",
    "*": "{*}",
} | {c: f"\\{c}" for c in "&%$#_{}"}
HEADERS = (
    *("policy", "information", "tracking, USD", "fairness, USD", "total, USD"),
    *("rounds covered", "B paid, %", "worst shortfall, USD"),
)

BALANCES = ("balance, USD", "lowest balance, USD")
"""Columns where a policy settles within the round."""


def escaped(text: str) -> str:
    r"""Return text that LaTeX prints as it stands, whatever is in it.

    What is not ASCII is spelled out, for not every document has a font for it.

    Examples
    --------
    >>> print(escaped("50% of a_b & {c}"), escaped("λ"))
    50\% of a\_b \& \{c\} \textbackslash{}u03bb
    """
    plain = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)
    return "".join(SPECIAL.get(c, c) for c in plain)


def latex_table(policies: Sequence[PolicySummary], rounds: int, caption: str) -> str:
    r"""Return policies as a LaTeX table.

    Parameters
    ----------
    policies : sequence of PolicySummary
    rounds : int
    caption : str
        Text; it is escaped.

    Examples
    --------
    >>> print(latex_table([], 16, "no policy").splitlines()[3])
    \begin{tabular}{llrrrrrr}
    """
    within = settles_within(policies)
    headers = HEADERS + (BALANCES if within else ())
    head = " & ".join(map(escaped, headers)) + r" \\"
    body = [" & ".join(_cells(p, rounds, within=within)) + r" \\" for p in policies]
    return "\n".join(
        [
            r"\begin{table}[htbp]",
            r"\centering",
            r"\footnotesize",
            rf"\begin{{tabular}}{{ll{'r' * (len(headers) - 2)}}}",
            r"\hline",
            head,
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}",
            rf"\caption{{{escaped(caption)}}}",
            r"\end{table}",
            "",
        ]
    )


def _cells(p: PolicySummary, rounds: int, *, within: bool) -> list[str]:
    money = map(_number, (p.tracking_usd, p.fairness_usd, p.total_usd))
    covered = (f"{p.covered_rounds}/{rounds}", _number(100 * p.covered_usd_share))
    shown = [p.worst_shortfall_usd, *((p.balance_usd, p.lowest_balance_usd) if within else ())]
    return [escaped(p.policy), p.information.value, *money, *covered, *map(_number, shown)]


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:,.2f}"
