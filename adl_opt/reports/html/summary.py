"""The summary of a report in words: every sentence is made of its figures, the doubts too."""

from __future__ import annotations

import math

from adl_opt.evaluate.record import PolicySummary, proven_coverage
from adl_opt.reports.html.facts import in_usd
from adl_opt.rounds.round import Information
from adl_opt.studies.findings import Findings

KNEW = {
    Information.START_OF_ROUND: "that knew nothing after a round began",
    Information.WHOLE_ROUND_FLOW: "that read all that a round was to close",
    Information.WITHIN_ROUND: "that settle within the round",
}
"""What deployable policies knew, as a sentence says it."""

MADE = ("calibrated", "synthetic", "invented", "simulated")
"""Words in the source of an episode that is not recorded as a whole."""


def in_short(findings: Findings) -> list[str]:
    """Return what the report shows, one thought a sentence."""
    result = findings.result
    records = next(iter(result.by_policy.values()))
    needed = math.fsum(r.needed for r in records)
    deficit = math.fsum(r.deficit for r in records)
    made = [
        f"In {_count(len(records), 'round')} accounts lost {in_usd(deficit)} beyond their equity (D).",
        f"In hindsight {in_usd(needed)} was needed to cover it.",
    ]
    rows = [p for p in result.policies if not math.isnan(p.total_usd)]
    made += [_venue(p, needed, len(records)) for p in rows if p.policy == "production"]
    for information, knew in KNEW.items():
        if known := [p for p in rows if p.information is information]:
            best = min(known, key=lambda p: p.total_usd)
            first = f"Of the {_count(len(known), 'policy')} {knew}, {best.policy} lost least"
            lone = f"The policy {knew} is {best.policy}; it lost"
            made.append(f"{first if len(known) > 1 else lone}: {_cost(best, len(records))}.")
    if after := [p for p in rows if p.information is Information.EX_POST]:
        best = min(after, key=lambda p: p.total_usd)
        made.append(
            f"With the need known in advance, {best.policy} would have lost {in_usd(best.total_usd)}; "
            "nobody could have played that."
        )
    if findings.optimum is not None:
        least = [
            f"{in_usd(b.bound_usd)} in the domain {b.name.removesuffix('-optimum')}"
            for b in findings.optimum.benchmarks
            if b.kind == "optimum"
        ]
        made.append(f"It is proven that no policy loses less than {', '.join(least)}.")
    if findings.structure:
        price = math.fsum(p.price_usd for p in findings.structure if p.domain == "fractional")
        made.append(f"That each market is closed by itself costs at least {in_usd(price)} against one pool.")
    return made


def doubts(findings: Findings) -> list[str]:
    """Return what these figures cannot show."""
    result, rounds = findings.result, len(findings.episode)
    most = 100 * proven_coverage(rounds, rounds)
    one = f"{_count(rounds, 'round')} of one episode"
    made = [
        f"These are {one}. Even a policy that covered every round would have proven a rate of no more than "
        f"{most:.1f} % (95 % confidence).",
        f"{_count(len(result.policies), 'policy')} were compared on the rounds that they are reported on. "
        "The best of them is partly luck.",
        "A replay changes nothing: accounts would have reacted to other haircuts, and prices to them.",
    ]
    if any(word in result.source for word in MADE):
        made.append(f"Not all of this is recorded. The source says: {result.source}.")
    if findings.sampled:
        made.append(
            f"Who pays is shown for {findings.sampled:,} accounts of each round, drawn at random; totals, "
            "losses and coverage are of all accounts."
        )
    made += [f"{note[0].upper()}{note[1:]}." for note in result.notes]
    if result.failures:
        made.append(f"{_count(len(result.failures), 'policy')} failed and are left out.")
    return made


def _venue(took: PolicySummary, needed: float, rounds: int) -> str:
    beyond = took.haircut_usd - needed
    than = f"{in_usd(abs(beyond))} {'more' if beyond >= 0 else 'less'} than was needed in all"
    lacked = f"In {rounds - took.covered_rounds:g} of {rounds} rounds it took less than was needed."
    return f"The venue took {in_usd(took.haircut_usd)}, {than}. {lacked}"


def _cost(of: PolicySummary, rounds: int) -> str:
    return (
        f"{in_usd(of.total_usd)}, and it covered {of.covered_rounds} of {rounds} rounds and "
        f"{100 * of.covered_usd_share:.1f} % of the needed dollars"
    )


def _count(number: int, noun: str) -> str:
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
