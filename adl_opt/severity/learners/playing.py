"""Playing a learner on arrays of deficits and targets."""

from __future__ import annotations

import numpy.typing as npt

from adl_opt.errors import UsageError
from adl_opt.rounds.columns import Floats
from adl_opt.severity.base import make_severity
from adl_opt.severity.catalogue import LEARNERS
from adl_opt.severity.coverage.covering import Covering
from adl_opt.severity.learners.bound import checked_series
from adl_opt.severity.learners.learner import Learner


def play(
    learner: Learner | Covering | str,
    deficit: npt.ArrayLike,
    target: npt.ArrayLike,
    hint: npt.ArrayLike | None = None,
) -> Floats:
    """Play a learner of severity through rounds, each on what was known when it began.

    Parameters
    ----------
    learner : Learner, Covering or str
        A learner, or ``risk-control`` or ``conformal``; or its name (see :func:`adl_opt.make_severity`).
    deficit : (T,)
        D_t, USD >= 0, known as the round begins.
    target : (T,)
        theta_t* in [0, 1], revealed after the round.
    hint : (T,), optional
        Predictions of theta_t* in [0, 1], known as the round begins; learners without ``uses_hint`` do not
        look at them.  To ``risk-control`` and ``conformal`` they are the units, as shares of D.

    Returns
    -------
    (T,) float array
        theta_t in [0, 1].

    Raises
    ------
    UsageError
        An unknown name, or a severity that does not learn.
    InputError
        Values out of range, NaN, or lengths that differ.

    Notes
    -----
    O(T log T) for most learners; those over experts take O(experts) per round.  To cut and resume, use
    :meth:`~adl_opt.severity.learners.learner.Learner.run`.

    Examples
    --------
    >>> play("last-value", [4.0, 4.0, 4.0], [0.25, 0.75, 0.5])
    array([0.5 , 0.25, 0.75])
    """
    made = make_severity(learner) if isinstance(learner, str) else learner
    if not isinstance(made, (Learner, Covering)):
        raise UsageError(
            "only a learner of severity can be played on arrays",
            got=repr(learner),
            ways_out=[f"give one of {', '.join(LEARNERS)}", "replay other severities on an episode"],
        )
    deficits, targets, *hints = checked_series(deficit, target, hint=hint)
    theta, _ = made.run(made.start(), deficits, targets, hints[0] if hints else None)
    return theta
