"""Which drivers and warnings of an account ask for a playbook."""

from __future__ import annotations

from typing import NamedTuple

from models.account_score import AccountScore, Driver
from models.alert import Alert


class Causes(NamedTuple):
    """What asks for a playbook.

    Parameters
    ----------
    drivers : tuple of Driver
        The strongest first; none of a snapshot of an older Keepwell.
    alerts : tuple of Alert
        Open ones, the severest first.
    """

    drivers: tuple[Driver, ...]
    alerts: tuple[Alert, ...]

    @property
    def rules(self) -> dict[str, list[str]]:
        """The rules behind the warnings, each with what of the account they speak of."""
        found: dict[str, list[str]] = {}
        for one in self.alerts:
            found.setdefault(one.rule, []).extend([one.subject] if one.subject else [])
        return found


def find_causes(score: AccountScore, playbook: str) -> Causes:
    """The account's drivers and open warnings that ask for a playbook."""
    return Causes(
        tuple(one for one in score.drivers if one.playbook == playbook),
        tuple(one for one in score.alerts if one.is_open and one.playbook == playbook),
    )
