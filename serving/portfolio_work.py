"""How a list's warnings were acted on, and what stands of the playbooks that were taken up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

import orjson

from models.playbook_action import PlaybookAction
from models.playbook_record import (
    WITHIN,
    PlaybookRecord,
    Warned,
    list_tasks,
    measure_playbooks,
)


def read_warned(account_id: str, alerts: str, since: date) -> Iterator[Warned]:
    """An account's warnings that ask for an action and came up on a day or later.

    Parameters
    ----------
    account_id : str
    alerts : str
        As a snapshot stores them; read here without `Alert`, since there are many.
    since : date
    """
    first = since.isoformat()
    for one in orjson.loads(alerts):
        playbook, severity = one["playbook"], one["severity"]
        if playbook is not None and severity in WITHIN and one["first_seen"] >= first:
            day = date.fromisoformat(one["first_seen"])
            yield Warned(account_id, one["rule"], one["subject"], severity, playbook, day)


def measure_work(
    warned: Iterable[Warned],
    actions: Sequence[PlaybookAction],
    accounts: Collection[str],
    *,
    today: date,
) -> PlaybookRecord:
    """What became of the warnings and playbooks of some accounts.

    Parameters
    ----------
    warned : iterable of Warned
        Of all accounts.
    actions : sequence of PlaybookAction
        Likewise, all that there ever were.
    accounts : collection of str
        Ids of those that count.
    today : date
    """
    return measure_playbooks(
        list_tasks(one for one in actions if one.account_id in accounts),
        (one for one in warned if one.account_id in accounts),
        today=today,
    )
