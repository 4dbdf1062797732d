"""Who asks: what it may do and which accounts it sees."""

from __future__ import annotations

from dataclasses import dataclass

from models.key import SCOPES, Scope
from models.row_filter import EVERYTHING, RowFilter


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of one request.

    Parameters
    ----------
    key_id : str or None
        Of its key, or what stands for a person that a proxy names; None where the service has no
        keys.
    scopes : frozenset of str
        What it may do, of `models.key.SCOPES`; none includes another.
    row_filter : RowFilter
        The accounts that it sees; all others are not there.
    """

    key_id: str | None
    scopes: frozenset[Scope]
    row_filter: RowFilter

    def may(self, scope: Scope) -> bool:
        """Whether it has a scope."""
        return scope in self.scopes


LOCAL = Caller(None, frozenset(SCOPES), EVERYTHING)  # whoever asks a service without keys
