"""Early warnings as they are published with an account."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple, get_args

Severity = Literal["urgent", "soon", "watch"]
AlertStatus = Literal["opened", "kept", "closed"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
ALERT_STATUSES: tuple[AlertStatus, ...] = get_args(AlertStatus)


class Alert(NamedTuple):
    """An early warning about an account in one snapshot.

    Parameters
    ----------
    rule : str
        Name of the rule; see ``docs/warnings.md``.
    subject : str or None
        What of the account it speaks of, a module or a user's id; None: all of it. A rule warns of
        one subject once.
    severity : str
        One of `SEVERITIES`: to be acted on this week, this month, or to be kept in view.
    status : str
        ``opened`` in this run, ``kept`` from an earlier one, or ``closed`` in this one.
    text : str
        The evidence in plain words; names no person.
    value : float or None
        The figure behind it.
    unit : str or None
        Of `value`.
    first_seen : date
        As-of date of the run that opened it.
    runs_clear : int
        Runs in a row in which its condition did not hold; it closes only after some.
    playbook : str or None
        What to do; None where no playbook of the configuration fits.
    """

    rule: str
    subject: str | None
    severity: Severity
    status: AlertStatus
    text: str
    value: float | None
    unit: str | None
    first_seen: date
    runs_clear: int = 0
    playbook: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still stands."""
        return self.status != "closed"


def open_rules(alerts: Iterable[Alert]) -> list[str]:
    """The rules of the warnings that stand, each once, in their order."""
    return list(dict.fromkeys(alert.rule for alert in alerts if alert.is_open))


def mark_open(alerts: Iterable[Alert]) -> str | None:
    """The same as one text such as ``|poor_fit|seats_unused|``, by which accounts are filtered.

    None where no warning stands.
    """
    rules = open_rules(alerts)
    return f"|{'|'.join(rules)}|" if rules else None


def mark_of(rule: str) -> str:
    """What `mark_open` holds of an account exactly where a warning of this rule stands."""
    return f"|{rule}|"
