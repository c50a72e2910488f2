"""Policy = severity + allocation, and the catalogue of named policies.

A name is ``allocation`` (under the oracle severity), ``severity`` (with pro-rata), ``severity/allocation``,
or ``production``; each part may carry parameters: ``constant(0.5)/dydx-random(seed=7)``.  An allocation may
be a model of the catalogue: ``ftrl-exact/model:min-max-lp``.  Other packages add names through the
entry-point group ``adl_opt.policies``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from adl_opt.allocation.base import AllocationRule
from adl_opt.allocation.catalogue import ALLOCATIONS, make_allocation
from adl_opt.allocation.contracts import act_in_contracts, check_space, settled
from adl_opt.allocation.pool import has_options
from adl_opt.allocation.recorded import RecordedAllocation
from adl_opt.allocation.specifications import closes_at
from adl_opt.losses import Loss
from adl_opt.naming import make_by_name, parse_call, unknown_name
from adl_opt.policy.guest import Guest, GuestRule, GuestSeverity
from adl_opt.policy.plugins import plugins
from adl_opt.policy.refusals import ambiguous, checked_budget, no_policy, path_as_name, published_row
from adl_opt.policy.sight import shown_to
from adl_opt.policy.wire import action_of_json, action_to_json
from adl_opt.rounds.contracts import CLOSE, VENUE, WEALTH
from adl_opt.rounds.round import Allocation, Information, Outcome, Recorded, Round
from adl_opt.severity.base import SEVERITIES, Severity, make_severity
from adl_opt.severity.fixed import Observed

_MODEL = "model:"
State = tuple[Any, Any]
"""The states of severity and allocation."""


@dataclass(frozen=True)
class Policy:
    """How much and who pays: one severity and one allocation.

    Parameters
    ----------
    severity : Severity
    allocation : AllocationRule
    name : str, optional
        Shown in tables; by default made of the parts.
    positive_pnl_only : bool, optional
        In contracts: nobody gives up more than positive PNL and equity; by default as the allocation has it.
        Where it is switched off or on by hand, the name says so.
    price : str
        In contracts: ``close`` (:attr:`Flow.close`), or ``venue`` for the price of the allocation's venue.

    Examples
    --------
    >>> policy = Policy(severity=make_severity("full-deficit"), allocation=make_allocation("binance"))
    >>> policy.name, policy.information.value
    ('full-deficit/binance', 'start-of-round')
    """

    severity: Severity
    allocation: AllocationRule
    name: str = ""
    positive_pnl_only: bool | None = None
    price: str = CLOSE

    def __post_init__(self) -> None:
        own = self.allocation.positive_pnl_only
        if self.positive_pnl_only is None:
            object.__setattr__(self, "positive_pnl_only", own)
        if not self.name:
            prefix = "" if self.severity.name == "oracle" else f"{self.severity.label()}/"
            switched = " (winners only)" if self.positive_pnl_only else " (losers too)"
            suffix = "" if self.positive_pnl_only == own else switched
            object.__setattr__(self, "name", prefix + self.allocation.label() + suffix)

    @property
    def information(self) -> Information:
        """What the policy was allowed to know: the weaker class of its two parts."""
        return Information.weakest(self.severity.information, self.allocation.information)

    @property
    def reads_flow(self) -> bool:
        """Whether it reads the flow of a round in wealth; in contracts every policy closes it."""
        return bool(self.severity.without_flow) or self.allocation.reads_flow

    def on(self, loss: Loss) -> Self:
        """Return the same policy with its severity on a loss (:meth:`~adl_opt.Severity.on`)."""
        made = copy(self)
        object.__setattr__(made, "severity", self.severity.on(loss))
        return made

    @property
    def closes_at(self) -> str:
        """The price that contracts are closed at (:func:`~adl_opt.allocation.prices.priced`)."""
        return closes_at(self.allocation.name) if self.price == VENUE else CLOSE

    def start(self) -> State:
        """Return the state before the first round."""
        return self.severity.start(), self.allocation.start()

    def act(self, state: State, round_: Round) -> Allocation:
        """Return the haircuts of a start-of-round policy; no outcome is anywhere near."""
        round_ = shown_to(self, round_)
        budget = checked_budget(self.severity.name, round_, self.severity.choose(state[0], round_))
        if round_.space == WEALTH:
            return self._pool(round_)(state[1], round_, budget)
        return self._in_contracts(state[1], round_, budget, None)

    def act_ex_post(self, state: State, round_: Round, outcome: Outcome) -> Allocation | Recorded:
        """Return the haircuts of a policy that is given the outcome, and carries that word in every table."""
        early = Information.START_OF_ROUND
        if self.severity.information is early:
            chosen = self.severity.choose(state[0], round_)
        else:
            chosen = self.severity.choose_ex_post(state[0], round_, outcome)
        budget = checked_budget(self.severity.name, round_, chosen)
        if self.allocation.information is early:
            if round_.space == WEALTH:
                return self._pool(round_)(state[1], round_, budget)
            known = None if self.severity.information is early else outcome
            return self._in_contracts(state[1], round_, budget, known)
        check_space(self.allocation, round_)
        return self.allocation.allocate_ex_post(state[1], round_, budget, outcome)

    def _pool(self, round_: Round) -> Callable[..., Allocation]:
        """Return the way of the allocation in wealth: straight where the round has no options."""
        check_space(self.allocation, round_)
        return self.allocation.allocate if has_options(round_.accounts) else self.allocation.pool

    def _in_contracts(self, state: Any, round_: Round, budget: float, known: Outcome | None) -> Allocation:
        act = partial(act_in_contracts, positive_pnl_only=self.positive_pnl_only, price=self.closes_at)
        return act(self.allocation, state, round_, budget, known, whole_flow=self.severity.whole_flow)

    def learn(self, state: State, round_: Round, outcome: Outcome, action: Allocation) -> State:
        """Return the state after the round; an allocation learns from the haircuts as they are revealed."""
        action = settled(action, round_, outcome)
        return (
            self.severity.learn(state[0], round_, outcome, action.asked),
            self.allocation.learn(state[1], round_, outcome, action),
        )


@dataclass(frozen=True)
class Production(Policy):
    """The venue's own rounds: the recorded H and burden, nothing recomputed.

    Rule: H and the largest burden as recorded.  Source: the episode's record.  Information: observed.
    Tie-break: none.
    """

    severity: Severity = Observed()
    allocation: AllocationRule = RecordedAllocation()
    name: str = "production"

    def act_ex_post(self, state: State, round_: Round, outcome: Outcome) -> Recorded:
        """Return the record."""
        self.severity.choose_ex_post(state[0], round_, outcome)  # refuses a round without a record
        return outcome.recorded or Recorded(haircut=0.0)

    def learn(self, state: State, round_: Round, outcome: Outcome, action: Allocation) -> State:
        """Return the state unchanged."""
        return state


@dataclass(frozen=True)
class GuestPolicy(Policy):
    """A policy whose code is of others, in a process of its own (:mod:`adl_opt.policy.guest`).

    Rule, source, information and tie-break are those that it states itself.
    """

    severity: Severity = Severity()
    allocation: AllocationRule = AllocationRule()
    positive_pnl_only: bool | None = True
    guest: Guest = field(default_factory=lambda: Guest("", {}), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "severity", GuestSeverity(self.guest))
        object.__setattr__(self, "allocation", GuestRule(self.guest))

    @property
    def information(self) -> Information:
        """What the policy says that it knows; nothing more is sent to it."""
        return Information(self.guest.facts()["information"])

    @property
    def reads_flow(self) -> bool:
        """Whether the policy says that it reads the flow."""
        return bool(self.guest.facts()["reads_flow"])

    def on(self, loss: Loss) -> Self:
        """Return the same policy on a loss, in another process."""
        recipe = self.guest.recipe | {"loss": loss}
        return type(self)(name=self.name, guest=Guest(self.name, recipe))

    def start(self) -> State:
        """Return the state before the first round, from a process that has seen none."""
        return tuple(self.guest.begin())

    def act(self, state: State, round_: Round) -> Allocation:
        """Return the haircuts of the round."""
        action = action_of_json(self.guest.call("act", state, shown_to(self, round_)))
        assert isinstance(action, Allocation)  # noqa: S101  (a record is for ex post policies)
        return action

    def act_ex_post(self, state: State, round_: Round, outcome: Outcome) -> Allocation | Recorded:
        """Return the haircuts of the round, its outcome in hand."""
        return action_of_json(self.guest.call("act_ex_post", state, round_, outcome))

    def learn(self, state: State, round_: Round, outcome: Outcome, action: Allocation) -> State:
        """Return the state after the round."""
        return tuple(self.guest.call("learn", state, round_, outcome, action_to_json(action)))


def make_policy(name: str, **params: Any) -> Policy:
    """Make a policy from its name.

    Parameters
    ----------
    name : str
        See the module's first lines; ``adl-opt policies`` lists them all.
    **params
        Parameters of the one part that is named (give them in the name when two parts are).

    Raises
    ------
    UsageError
        Unknown name (near matches are suggested) or parameter, or a value out of range.

    Examples
    --------
    >>> make_policy("pro-rata").information.value
    'ex-post'
    >>> make_policy("constant(0.2)/min-max").severity
    Constant(theta=0.2)
    """
    if not isinstance(name, str):
        raise no_policy(name)
    if "/" in name and not name.startswith(_MODEL):
        severity, _, allocation = name.partition("/")
        if params:
            raise ambiguous(name, params)
        return Policy(severity=make_severity(severity), allocation=_allocation(allocation, {}))
    if name.startswith(_MODEL) or (bare := parse_call(name)[0]) in ALLOCATIONS:
        return Policy(severity=make_severity("oracle"), allocation=_allocation(name, params))
    if bare in SEVERITIES:
        return Policy(severity=make_severity(name, **params), allocation=make_allocation("pro-rata"))
    if bare == "production":
        return make_by_name("policy", {bare: lambda: Production()}, name, params)  # it has no parameters
    if bare not in plugins(built_in())[0]:
        raise published_row(bare) or unknown_name("policy", bare, [*catalogue(), *SEVERITIES])
    return GuestPolicy(name=name, guest=Guest(name, {"name": name, "params": params}))


def as_policies(given: object) -> list[Policy]:
    """Return the policies that are meant: one or several, each by name or as an object.

    Parameters
    ----------
    given : str, Policy, AllocationRule, Severity, Model, RoundProgram, or an iterable of these
        A name is made by :func:`make_policy`.  An allocation rule, a model or a program runs under the oracle
        severity (ex post); a severity runs with pro-rata.

    Raises
    ------
    UsageError
        An unknown name, something else, or a model of a whole episode.

    Examples
    --------
    >>> [policy.name for policy in as_policies(["binance", make_allocation("okx"), make_severity("ogd")])]
    ['binance', 'okx', 'ogd/pro-rata']
    >>> as_policies("pro-rata")[0].name
    'pro-rata'
    """
    if isinstance(given, Iterable) and not isinstance(given, str):
        return [_as_policy(each) for each in given]
    return [_as_policy(given)]


def _as_policy(given: object) -> Policy:
    if isinstance(given, Policy):
        return given
    if isinstance(given, str):
        return make_policy(given)
    if isinstance(given, Severity):
        return Policy(severity=given, allocation=make_allocation("pro-rata"))
    if not isinstance(given, AllocationRule):
        from adl_opt.catalogue import Model, allocation_of, as_model
        from adl_opt.programs.program import RoundProgram

        if not isinstance(given, (Model, RoundProgram)):
            raise no_policy(given)
        given = allocation_of(as_model(given))
    return Policy(severity=make_severity("oracle"), allocation=given)


def _allocation(name: str, params: dict[str, Any]) -> AllocationRule:
    """Return the allocation of a name, or the one that a model of the catalogue is."""
    if not name.startswith(_MODEL):
        return make_allocation(name, **params)
    from adl_opt.catalogue import allocation_of, is_path, load_model

    title = name.removeprefix(_MODEL)
    if is_path(title):
        raise path_as_name(name)
    return allocation_of(load_model(title, **params))


def catalogue() -> list[str]:
    """Return the names of all policies: production, every allocation, and those of other packages."""
    return ["production", *ALLOCATIONS, *plugins(built_in())[0]]


def built_in() -> set[str]:
    """Return the names that no other package can take."""
    return {"production", *ALLOCATIONS, *SEVERITIES}
