"""Accounts and snapshots as JSON, written once when a snapshot is put on the shelf."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

import orjson

from models.account_score import BASES, AccountScore, Basis
from models.alert import mark_open, open_rules
from models.health import Health
from models.score_change import Voice, explain_change, tell_voice
from models.search import make_search_text
from models.snapshot import SnapshotHeader
from models.snapshot_diff import top_driver
from models.snapshot_reader import Past
from serving.entry import OUTLINE, Entry
from serving.response import (
    AlertAnswer,
    ChangeAnswer,
    DriverAnswer,
    ExplainedAccount,
    GroupAnswer,
    HealthAnswer,
    HealthFactorAnswer,
    RankedAccount,
    SnapshotAnswer,
    snapshot_fields,
)

NULL = b"null"
_CHANGE = ("previous", "change_kind", "model_change", "changed_by")
_LISTS = (
    "drivers",
    "warnings",
    "groups",
    "alerts",
    "playbooks",
    "owner",
    "health",
    *_CHANGE,
)
ROW = tuple(name for name in RankedAccount.model_fields if name not in _LISTS)
MORE = tuple(
    name
    for name in ExplainedAccount.model_fields
    if name not in RankedAccount.model_fields and name not in _LISTS
)
MADE = ("top_driver", "open_warnings", "search_text")  # of what a score holds
PLAIN = tuple(name for name in OUTLINE if name not in MADE)
ALERT = tuple(AlertAnswer.model_fields)
DRIVER = tuple(DriverAnswer.model_fields)
GROUP = tuple(GroupAnswer.model_fields)
HEALTH = tuple(name for name in HealthAnswer.model_fields if name != "factors")
FACTOR = tuple(name for name in HealthFactorAnswer.model_fields if name != "factor_score")
CHANGE = tuple(ChangeAnswer.model_fields)


class Before(NamedTuple):
    """The snapshot before, as far as `previous` and `changed_by` need it.

    Parameters
    ----------
    snapshot_id, as_of
        Its own.
    voices : mapping of str to str
        By model, how it compares with the one that spoke then.
    """

    snapshot_id: str
    as_of: date | None
    voices: Mapping[Basis, Voice]


def find_before(header: SnapshotHeader, earlier: SnapshotHeader | None) -> Before | None:
    """How two snapshots in a row compare; None when there is no earlier one."""
    if earlier is None:
        return None
    voices = {basis: tell_voice(basis, earlier, header) for basis in BASES}
    return Before(earlier.snapshot_id, earlier.as_of, voices)


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
    row["warnings"] = open_rules(score.alerts)
    more = _pick(score, MORE)
    more["groups"] = [_pick(group, GROUP) for group in score.groups]
    more["health"] = score.health and _health(score.health)
    more["alerts"] = [_pick(alert, ALERT) for alert in score.alerts]
    more["playbooks"] = score.playbooks
    more |= _changes(score, before, past)
    return Entry(
        **{name: share_text(getattr(score, name)) for name in PLAIN},
        top_driver=share_text(top_driver(score)),
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


def _health(health: Health) -> dict[str, Any]:  # Any: JSON
    factors = [{**_pick(factor, FACTOR), "factor_score": factor.score} for factor in health.factors]
    return {**_pick(health, HEALTH), "factors": factors}


def _previous(before: Before, past: Past) -> dict[str, Any]:  # Any: JSON
    return {
        "snapshot_id": before.snapshot_id,
        "as_of": before.as_of,
        "loss_probability": past.loss_probability,
        "risk_tier": past.risk_tier,
    }


def _changes(score: AccountScore, before: Before | None, past: Past | None) -> dict[str, Any]:
    """The snapshot before, and what moved the probability since; all None without one."""
    if before is None:
        return dict.fromkeys(_CHANGE)
    voice = before.voices[score.basis] if score.basis else "other"
    change = explain_change(past, score, voice=voice)
    groups = change.by_group
    return {
        "previous": past and _previous(before, past),
        "change_kind": change.kind,
        "model_change": change.model_change,
        "changed_by": None if groups is None else [_pick(group, CHANGE) for group in groups],
    }


def _pick(record: object, names: tuple[str, ...]) -> dict[str, Any]:  # Any: JSON
    return {name: getattr(record, name) for name in names}
