"""Vaults and liquidators among the accounts: they are no users like others, and a report names them.

HLP, the venue's own vault, and its children are known by their addresses, as its page of vaults lists them;
some of the children take positions over from bankrupt accounts.  Any other vault is known by the events that
name it, any other liquidator by the positions that it took over (``liquidation.method`` is ``backstop``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

HLP, HLP_LIQUIDATOR, VAULT, LIQUIDATOR = "HLP", "HLP liquidator", "vault", "liquidator"
KNOWN = {
    "0xdfc24b077bc1425ad1dea75bcb6f8158e10df303": HLP,
    "0x010461c14e146ac35fe42271bdc1134ee31c703a": HLP,
    "0x31ca8395cf837de08b24da3f660e77761dfb974b": HLP,
    "0x469f690213c467c39a23efacfd2816896009d7d8": HLP,
    "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14": HLP_LIQUIDATOR,
    "0xb0a55f13d22f66e6d495ac98113841b2326e9540": HLP_LIQUIDATOR,
    "0x5e177e5e39c0f4e421f5865a6d8beed8d921cb70": HLP_LIQUIDATOR,
    "0x2ed5c4484ea3ff8b57d5f2fb152a40d9f2b68308": HLP_LIQUIDATOR,
}
"""Addresses of HLP and its children in 2026."""


@dataclass
class Roles:
    """What is known of users; the first role that was noted stands.

    Examples
    --------
    >>> roles = Roles()
    >>> roles.note("0xabc", VAULT)
    >>> roles.of("0xabc"), roles.of("0x2E3D94F0562703B25C83308A05046DDAF9A8DD14"), roles.of("0xdef")
    ('vault', 'HLP liquidator', '')
    """

    noted: dict[str, str] = field(default_factory=dict)

    def note(self, user: str, role: str) -> None:
        """Note the role of a user."""
        self.noted.setdefault(user, role)

    def of(self, user: str) -> str:
        """Return the role of a user, blank if it has none."""
        return KNOWN.get(user.lower()) or self.noted.get(user, "")
