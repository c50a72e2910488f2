"""Few payers at the least burden: what is refused.  Its optima are tested with the model that uses it."""

import pytest

from adl_opt.errors import InputError
from adl_opt.kernels.fill.selection import select_payers


@pytest.mark.parametrize(
    ("capacity", "base"),
    [([1.0, -1.0], [1.0, 1.0]), ([1.0, 1.0], [1.0, float("nan")]), ([1.0, 1.0], [1.0])],
)
def test_amounts_that_are_none_are_refused(capacity, base):
    with pytest.raises(InputError, match=r"capacity|base"):
        select_payers(capacity, base, 1.0, accounts=1)
