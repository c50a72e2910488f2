"""Which policy to deploy on a book: every candidate on three kinds of evidence, ranked under one loss.

1. Every severity that decides at the start of a round is tried with pro-rata.
2. The best of them is tried with every allocation that decides at the start of a round.
3. A candidate qualifies where it covers the wanted share of what was needed in each kind of evidence, and
   takes of no account more than it has.
4. Those that qualify are ranked by their loss for each USD that was needed, the mean over the kinds.
   Where none does, so are those that are near the best coverage, and nothing is recommended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from os import PathLike

import numpy as np

from adl_opt.allocation.catalogue import ALLOCATIONS
from adl_opt.checks import checked_type, number_between
from adl_opt.datasets.episodes import as_episode
from adl_opt.errors import LackError, UsageError
from adl_opt.evaluate.prepared import notes_on_losers
from adl_opt.losses import Loss, as_loss
from adl_opt.policy.lineup import HINTED, UNHINTED
from adl_opt.policy.policy import Policy, as_policies, make_policy
from adl_opt.rounds.contracts import CONTRACTS, SPACES
from adl_opt.rounds.episode import Episode
from adl_opt.rounds.owners import by_owner
from adl_opt.rounds.round import Information
from adl_opt.service.document import document_of
from adl_opt.service.evidence import PATHS, Evidence, frames_by_name, replayed, stressed
from adl_opt.service.ranking import candidates_in_order
from adl_opt.service.recommendation import Recommendation
from adl_opt.studies.flow_bursts import flow_bursts
from adl_opt.studies.frontier import frontier
from adl_opt.studies.simulation.own_book import Stress

BASE_RULE = "pro-rata"


def recommend(
    episode: Episode | str | PathLike[str],
    *,
    loss: Loss | str | None = None,
    cover: float = 0.95,
    policies: str | Policy | Iterable[object] | None = None,
    stress: Stress | str = "",
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    html: str | PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Recommendation:
    """Recommend a policy for a book, with the evidence for it and what the evidence cannot show.

    Parameters
    ----------
    episode : Episode, str or path
        The book, as :func:`adl_opt.import_book` or :func:`adl_opt.load` gives it.
    loss : Loss or str, optional
        What candidates are ranked under; as for :func:`adl_opt.replay`.
    cover : float
        Share of the needed USD that a policy must raise in each kind of evidence, in [0, 1].
    policies : one or several, optional
        Candidates; by default every severity with pro-rata, and the best of them with every allocation.
    stress : Stress or str
        What the book is put through, such as ``drop=0.5,depth=0.005``
        (:class:`~adl_opt.studies.simulation.own_book.Stress`).
    seed : int
        Of bursts and stress.
    out : path, optional
        The policy file that ``adl-opt shadow`` takes.
    html : path, optional
        A page for a risk committee.
    progress : callable, optional
        Called with (steps done, all).

    Returns
    -------
    Recommendation

    Raises
    ------
    UsageError
        A candidate that cannot be deployed, for it needs the outcome; numbers out of range.

    Examples
    --------
    >>> made = recommend("synthetic(accounts=20, rounds=3)", policies=["full-deficit", "constant(0)"])
    >>> made.policy, [one.name for one in made.evidence]
    ('full-deficit/pro-rata', ['own', 'bursts'])
    """
    number_between("recommend: cover", cover, 0.0, 1.0)
    checked_type("a stress", stress, (str, Stress), 'give a text such as "drop=0.5"')
    book = as_episode(episode)
    asked = as_loss(loss).on(book)
    put_through = Stress.parse(stress) if isinstance(stress, str) else stress
    trial = _Trial(book, asked, put_through, seed, progress)
    if policies is not None:
        evidence = trial.of(_deployable(as_policies(policies)))
    else:
        severities = [make_policy(f"{name}/{BASE_RULE}") for name in severities_for(cover, book)]
        evidence = trial.of(severities, left=len(_rules(book)))
        best = candidates_in_order(frames_by_name(evidence), cover).index[0]
        severity = next(p.severity for p in severities if p.name == best)
        rules = [Policy(severity=severity, allocation=make_policy(name).allocation) for name in _rules(book)]
        more = trial.of([p for p in rules if p.information is Information.START_OF_ROUND])
        evidence = [one.with_more(other) for one, other in zip(evidence, more, strict=True)]
    table = candidates_in_order(frames_by_name(evidence), cover)
    made = Recommendation.of(
        book,
        asked,
        cover,
        evidence,
        table=table,
        document=document_of(str(table.index[0]), asked),
        notes=list(dict.fromkeys(trial.notes)),
        curve=frontier(book, loss=asked).rows,
    )
    if out is not None:
        made.document.write(out, made.verdict)
    if html is not None:
        made.write_html(html)
    return made


def severities_for(cover: float, episode: Episode) -> list[str]:
    """Return the names of the severities that are tried: they decide at the start of a round."""
    alpha = round(1.0 - cover, 10)
    flow = any(round_.flow is not None for round_, _ in episode)
    hints = ["", *(["hint=fixed-gap, "] if flow else [])]
    made = [*UNHINTED, *(HINTED if flow else ())]
    for hint in hints:
        made += [f"risk-control({hint}alpha={alpha:g})", f"conformal({hint}alpha={alpha:g}, rule=decaying)"]
    return made


def _rules(episode: Episode) -> list[str]:
    """Return the allocations that serve the space of an episode."""
    space = episode.space
    return [name for name, rule in ALLOCATIONS.items() if space in getattr(rule, "spaces", SPACES)]


def _deployable(policies: Sequence[Policy]) -> list[Policy]:
    wrong = [p.name for p in policies if p.information is not Information.START_OF_ROUND]
    if wrong:
        raise UsageError(
            "only a policy that decides at the start of the round can be deployed",
            got=", ".join(wrong),
            ways_out=["name a severity too, such as full-deficit/binance", "leave it out"],
        )
    return list(policies)


class _Trial:
    """The three kinds of evidence on a book, for any candidates."""

    def __init__(
        self,
        book: Episode,
        loss: Loss,
        stress: Stress,
        seed: int,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.book, self.loss, self.stress, self.seed = book, loss, stress, seed
        self.progress, self.done = progress, 0
        self.bursts = flow_bursts(book, max(12, len(book)), seed)
        self.notes: list[str] = []

    def of(self, policies: Sequence[Policy], left: int = 0) -> list[Evidence]:
        """Return the evidence on candidates; ``left`` are still to come."""
        policies = [p for p in policies if self._plays(p)]
        runs = len(PATHS) * self.stress.seeds if self.book.space == CONTRACTS else 0
        total = self.done + (len(policies) + left) * (2 + runs)

        def advance(steps: int = 1) -> None:
            self.done += steps
            if self.progress is not None:
                self.progress(self.done, total)

        made = []
        for name, episode in (("own", self.book), ("bursts", self.bursts)):
            what = f"the {len(self.book)} rounds of {self.book.name}" if name == "own" else episode.source
            made.append(replayed(name, what, episode, policies, self.loss))
            advance(len(policies))
        if self.book.space == CONTRACTS:
            left_ones = [p for p in policies if p.name in set(made[0].rounds["policy"])]
            args = self.book, left_ones, self.loss, self.stress
            evidence, notes = stressed(*args, seed=self.seed, advance=advance)
            made.append(evidence)
            self.notes += notes
        else:
            self.notes.append("stress: the book is in wealth, so nothing can be simulated from it")
        self.notes += notes_on_losers(policies) if self.book.space == CONTRACTS else []
        for one in made[:2]:
            self.notes += [f"{f.policy}: {f.error}" for result in one.results for f in result.failures]
        return made

    def _plays(self, policy: Policy) -> bool:
        """Say whether the book has what a policy needs; a note says what it lacks."""
        round_ = by_owner(self.book.rounds[0][0])
        if round_.flow is not None and round_.space == CONTRACTS:  # one row of the flow is enough to know
            round_ = replace(round_, flow=round_.flow.take(np.arange(min(1, len(round_.flow)))))
        try:
            policy.act(policy.start(), round_)
        except LackError as lack:
            self.notes.append(f"{policy.name} was not tried: {lack.got} ({'; or '.join(lack.ways_out)})")
            return False
        except Exception:  # its replay says what befell it
            return True
        return True
