"""What figures and reports need beside the package itself."""

from __future__ import annotations

from importlib import import_module

from adl_opt.errors import UsageError


def need(what: str, *modules: str) -> None:
    """Say what to install where an optional module is missing.

    Raises
    ------
    UsageError
        One is not installed.

    Examples
    --------
    >>> need("figures", "json")
    """
    try:
        for module in modules:
            import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{what} need {' and '.join(modules)}",
            got=str(error),
            ways_out=["pip install 'adl_opt[report]'"],
        ) from error
