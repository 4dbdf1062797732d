"""Accounts and snapshots as JSON, written once when a snapshot is put on the shelf."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

import orjson

from models.account_score import AccountScore
from models.alert import mark_open
from models.search import make_search_text
from models.snapshot import SnapshotHeader
from models.snapshot_diff import top_driver
from models.snapshot_reader import Past
from serving.entry import OUTLINE, Entry
from serving.response import (
    ChangeAnswer,
    DriverAnswer,
    ExplainedAccount,
    GroupAnswer,
    RankedAccount,
    SnapshotAnswer,
    snapshot_fields,
)

NULL = b"null"
TOP_CHANGES = 3
SMALL = 1e-9  # log-odds
_LISTS = ("drivers", "groups", "owner", "previous", "changed_by")
ROW = tuple(name for name in RankedAccount.model_fields if name not in _LISTS)
MORE = tuple(
    name
    for name in ExplainedAccount.model_fields
    if name not in RankedAccount.model_fields and name not in _LISTS
)
MADE = ("top_driver", "health_score", "open_warnings", "search_text")  # of what a score holds
PLAIN = tuple(name for name in OUTLINE if name not in MADE)
DRIVER = tuple(DriverAnswer.model_fields)
GROUP = tuple(GroupAnswer.model_fields)


class Before(NamedTuple):
    """The snapshot before, as far as `previous` and `changed_by` need it.

    Parameters
    ----------
    snapshot_id, as_of
        Its own.
    comparable : frozenset of str
        The models that speak in both snapshots in the same version.
    """

    snapshot_id: str
    as_of: date | None
    comparable: frozenset[str]


def find_before(header: SnapshotHeader, earlier: SnapshotHeader | None) -> Before | None:
    """How two snapshots in a row compare; None when there is no earlier one."""
    if earlier is None:
        return None
    same = {
        name
        for name, use in header.models.items()
        if use and (old := earlier.models.get(name)) and old.get("version") == use.get("version")
    }
    return Before(earlier.snapshot_id, earlier.as_of, frozenset(same))


def render_snapshot(header: SnapshotHeader) -> tuple[bytes, bytes]:
    """The fields of `SnapshotAnswer`, without braces: as long as it is fresh, and when stale."""
    fields = snapshot_fields(header)
    assert [*fields, "stale"] == list(SnapshotAnswer.model_fields)
    fresh, stale = (orjson.dumps({**fields, "stale": old})[1:-1] for old in (False, True))
    return fresh, stale


def render_entry(score: AccountScore, before: Before | None, past: Past | None) -> Entry:
    """An account with its answer as bytes.

    Parameters
    ----------
    score : AccountScore
        Of the snapshot.
    before, past
        The snapshot before and what it said of the account; None when it did not.
    """
    row = _pick(score, ROW)
    row["drivers"] = [_pick(driver, DRIVER) for driver in score.drivers]
    more = _pick(score, MORE)
    more["groups"] = [_pick(group, GROUP) for group in score.groups]
    more["previous"] = before and past and _previous(before, past)
    more["changed_by"] = before and past and _changes(score, before, past)
    return Entry(
        **{name: share_text(getattr(score, name)) for name in PLAIN},
        top_driver=share_text(top_driver(score)),
        health_score=None if score.health is None else score.health.score,
        open_warnings=share_text(mark_open(score.alerts)),
        search_text=make_search_text(score.account_id, score.external_id, score.name),
        row=orjson.dumps(row)[:-1] + b',"owner":',
        owner_json=_owner_json(score.owner),
        more=b"," + orjson.dumps(more)[1:-1],
    )


def share_text(value: Any) -> Any:  # Any: a column's value
    """The value; of equal texts one that all accounts share, since segments and tiers are few."""
    return intern(value) if isinstance(value, str) else value


@lru_cache(maxsize=1024)
def _owner_json(owner: str | None) -> bytes:
    # Not by orjson, whose short results keep the 4 kB that they were written in.
    return NULL if owner is None else json.dumps(owner).encode("ascii")


def _previous(before: Before, past: Past) -> dict[str, Any]:  # Any: JSON
    return {
        "snapshot_id": before.snapshot_id,
        "as_of": before.as_of,
        "loss_probability": past.loss_probability,
        "risk_tier": past.risk_tier,
    }


def _changes(score: AccountScore, before: Before, past: Past) -> list[dict[str, Any]] | None:
    """The groups that changed most; None where another model's sum would be compared."""
    if score.basis is None or score.basis != past.basis or score.basis not in before.comparable:
        return None
    now, then = score.contributions, past.contributions
    changes = {name: now.get(name, 0.0) - then.get(name, 0.0) for name in now.keys() | then.keys()}
    moved = sorted(
        ((name, change) for name, change in changes.items() if abs(change) > SMALL),
        key=lambda item: (-abs(item[1]), item[0]),
    )
    return [dict(zip(ChangeAnswer.model_fields, item, strict=True)) for item in moved[:TOP_CHANGES]]


def _pick(record: object, names: tuple[str, ...]) -> dict[str, Any]:  # Any: JSON
    return {name: getattr(record, name) for name in names}
