"""How the order of policies depends on lambda (eq. 23)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from adl_opt.evaluate.result import Result

if TYPE_CHECKING:
    import pandas as pd

LAMBDAS = (0.5, 0.75, 1.0, 1.5, 2.0)


def lambda_sweep(result: Result, lambdas: Sequence[float] = LAMBDAS) -> pd.DataFrame:
    """Return each policy's total, USD, for several lambda: one row per policy, one column per lambda.

    Parameters
    ----------
    result : Result
        Of a replay, or of :func:`adl_opt.evaluate.published.published`.
    lambdas : sequence of float
        The paper's range [0.5, 2] by default.
    """
    import pandas as pd

    totals = {lam: [p.total_usd for p in replace(result, lam=lam).policies] for lam in lambdas}
    frame = pd.DataFrame(totals, index=pd.Index([p.policy for p in result.policies], name="policy"))
    frame.insert(0, "information", [p.information.value for p in result.policies])
    return frame
