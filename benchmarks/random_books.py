"""Random books in contracts: every rule, with and without the options of a round, in plain arithmetic."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

from benchmarks.sections import Section
from tests.allocation.campaign import ALL, books, faults_of

TEXT = (
    "Random books with both sides, several markets and losers, hedge mode, inverse contracts and isolated "
    "margin (`tests/allocation/campaign.py`). Three rules in turn close the whole flow of each book; half of "
    "the answers are under options (exempt accounts, caps, owners, pairs, bands, least quantities), half "
    "with positive PNL only. Lots and quantities are added up in rationals. A fault is a closure on a wrong "
    "side or market, a lot or a cent that does not balance, a haircut above positive PNL where a rule says "
    "so, an option that is not obeyed, or an error."
)
COLUMNS = ["rule", "answers", "with options", "lots closed", "faults", "seconds"]


def random_books_section(count: int) -> Section:
    """Check the answers to so many books."""
    section = Section("Random books in contracts", TEXT, COLUMNS)
    answers, with_options, lots, faults = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    seconds: defaultdict[str, float] = defaultdict(float)
    for seed, rule, options, only in books(range(count), ALL):
        began = time.process_time()
        try:
            found, closed = faults_of(seed, rule, options, only)
        except Exception as error:
            found, closed = [repr(error)], 0
        seconds[rule] += time.process_time() - began
        answers[rule] += 1
        with_options[rule] += options
        lots[rule] += closed
        faults[rule] += bool(found)
    for rule in ALL:
        row = (rule, answers[rule], with_options[rule], lots[rule], faults[rule], seconds[rule])
        section.rows.append(dict(zip(COLUMNS, row, strict=True)))
    claim, total = f"{count:,} books: no fault", sum(answers.values())
    measured = f"{sum(faults.values())} of {total:,} answers, {sum(lots.values()):,} lots closed"
    section.targets.append((claim, measured, not sum(faults.values())))
    return section
