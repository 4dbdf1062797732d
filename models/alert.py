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


def list_rules(alerts: Iterable[Alert]) -> str | None:
    """Names of the rules of the alerts that are open, each between bars: ``|key_user_gone|``.

    One text, so that memory and SQL ask the same of it; None where none is open.
    """
    names = sorted({alert.rule for alert in alerts if alert.is_open})
    return f"|{'|'.join(names)}|" if names else None
