"""The life of a warning: opened, kept and closed over score runs, without flapping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from models.alert import SEVERITIES, Alert, AlertStatus

Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Earlier:
    """The warnings of the snapshot before.

    Parameters
    ----------
    as_of : date or None
        Its as-of date; None where there is none.
    alerts : mapping of account id to sequence of Alert
    """

    as_of: date | None = None
    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LifeRules:
    """How warnings end.

    Parameters
    ----------
    on : collection of (rule, subject)
        What is evaluated.
    runs_to_close : int
        Score runs in a row without its condition close a warning.
    gives_way_to : mapping of rule to set of rules
        Once one of these stands, the warning closes at once.
    """

    on: Collection[Key]
    runs_to_close: int
    gives_way_to: Mapping[str, frozenset[str]] = field(default_factory=dict)


def carry_on(
    found: Iterable[Alert],
    before: Iterable[Alert],
    *,
    repeated: bool,
    rules: LifeRules,
) -> tuple[Alert, ...]:
    """An account's warnings after a run: the most severe first, those closed in it last.

    A warning stays open until its condition did not hold for some runs in a row. One of a rule that
    is no longer evaluated goes without a word, since nobody knows whether it would still stand.

    Parameters
    ----------
    found : iterable of Alert
        What stands now, as if it were opened in this run.
    before : iterable of Alert
        The account's warnings in the snapshot before.
    repeated : bool
        Whether that is of the same as-of date: a second run on the same figures is no second run.
    rules : LifeRules
    """
    known = {_key(alert): alert for alert in before if repeated or alert.is_open}
    alerts, found = [], tuple(found)
    now = {alert.rule for alert in found}
    for alert in found:
        old = known.pop(_key(alert), None)
        alerts.append(alert if old is None else _keep(alert, old))
    for key, old in known.items():
        gives_way = not rules.gives_way_to.get(old.rule, frozenset()).isdisjoint(now)
        runs = 1 if gives_way else rules.runs_to_close
        rest = _fade(old, repeated=repeated, runs_to_close=runs) if key in rules.on else None
        if rest is not None:
            alerts.append(rest)
    return tuple(sorted(alerts, key=_order))


def _key(alert: Alert) -> Key:
    return alert.rule, alert.subject


def _keep(alert: Alert, old: Alert) -> Alert:
    """A warning that stood before; one opened on this very date stays so."""
    opened = old.first_seen == alert.first_seen
    return alert._replace(first_seen=old.first_seen, status="opened" if opened else "kept")


def _fade(old: Alert, *, repeated: bool, runs_to_close: int) -> Alert | None:
    """What becomes of a warning whose condition does not hold in this run."""
    if not old.is_open:
        return old  # closed by a run of this very date
    if repeated and old.status == "opened":
        return None  # what opened it was taken back on the same date
    clear = max(old.runs_clear, 1) if repeated else old.runs_clear + 1
    status: AlertStatus = "closed" if clear >= runs_to_close else "kept"
    return old._replace(status=status, runs_clear=clear)


def _order(alert: Alert) -> tuple[bool, int, date, str, str]:
    return (
        not alert.is_open,
        SEVERITIES.index(alert.severity),
        alert.first_seen,
        alert.rule,
        alert.subject or "",
    )
