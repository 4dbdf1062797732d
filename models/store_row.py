"""How a snapshot becomes rows of the snapshot store, and rows a snapshot."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Any

import orjson
from sqlalchemy import RowMapping

from models.account_score import AccountScore, Driver
from models.alert import Alert, mark_open
from models.growth import GrowthReason
from models.health import Health, HealthFactor
from models.life import Life
from models.search import make_search_text
from models.snapshot import Snapshot, SnapshotHeader, Totals, count_states, total_money
from models.snapshot_diff import top_driver

Row = RowMapping | dict[str, Any]  # Any: each column has a type of its own
_JSON = ("drivers", "contributions", "health", "alerts", "playbooks", "growth",
         "rescored_contributions")  # fmt: skip
_JSON_OF_LIFE = ("modules_used", "modules_tried", "contacts")
PLAIN = tuple(item.name for item in fields(AccountScore) if item.name not in (*_JSON, "rank"))
PLAIN_OF_HEADER = tuple(
    item.name
    for item in fields(SnapshotHeader)
    if item.name not in ("models", "thresholds", "counts", "totals", "forced", "backfilled")
)


def score_row(snapshot_id: str, rank: int, score: AccountScore) -> dict[str, Any]:
    """The row of one account, its place in the ranking counted from 1."""
    return {
        **{name: getattr(score, name) for name in PLAIN},
        "snapshot_id": snapshot_id,
        "rank": rank,
        "drivers": _dump([driver._asdict() for driver in score.drivers]),
        "contributions": _dump(score.contributions),
        "top_driver": top_driver(score),
        "health_score": score.health and score.health.score,
        "health": score.health and _dump(_health_json(score.health)),
        "alerts": _dump_some([_alert_json(alert) for alert in score.alerts]),
        "open_warnings": mark_open(score.alerts),
        "search_text": make_search_text(score.account_id, score.external_id, score.name),
        "playbooks": _dump_some(score.playbooks),
        "growth": _dump_some([reason._asdict() for reason in score.growth]),
        "rescored_contributions": _dump_some(score.rescored_contributions),
    }


def read_score(row: Row) -> AccountScore:
    """The account that a row holds."""
    return AccountScore(
        **{name: row[name] for name in PLAIN},
        rank=row["rank"],
        drivers=tuple(_read_driver(driver) for driver in json.loads(row["drivers"])),
        contributions=json.loads(row["contributions"]),
        health=read_health(row["health"]),
        alerts=read_alerts(row["alerts"]),
        playbooks=tuple(json.loads(row["playbooks"] or "[]")),
        growth=read_growth(row["growth"]),
        rescored_contributions=json.loads(row["rescored_contributions"] or "{}"),
    )


def _read_driver(stored: dict[str, Any]) -> Driver:
    """A driver; what an older Keepwell did not write is None, and what a newer one adds is left."""
    return Driver(**{name: stored[name] for name in Driver._fields if name in stored})


def _health_json(health: Health) -> dict[str, Any]:
    """Its factors as lists; ``asdict`` would copy every number of every account first."""
    return {item.name: getattr(health, item.name) for item in fields(Health)}


def read_health(stored: str | None) -> Health | None:
    """The health that a row's column of that name holds."""
    if stored is None:
        return None
    found = json.loads(stored)
    factors = tuple(HealthFactor(*factor) for factor in found.pop("factors"))
    return Health(**found, factors=factors)


def _alert_json(alert: Alert) -> dict[str, Any]:
    return alert._asdict() | {"first_seen": alert.first_seen.isoformat()}


def read_alerts(stored: str | None) -> tuple[Alert, ...]:
    """The warnings that a column holds."""
    return tuple(map(_read_alert, json.loads(stored or "[]")))


def _read_alert(stored: dict[str, Any]) -> Alert:
    """An alert; what a newer Keepwell adds is left."""
    known = {name: stored[name] for name in Alert._fields if name in stored}
    return Alert(**known | {"first_seen": date.fromisoformat(stored["first_seen"])})


def read_growth(stored: str | None) -> tuple[GrowthReason, ...]:
    """Reasons to grow; what a newer Keepwell adds to one is left."""
    return tuple(
        GrowthReason(*(reason[name] for name in GrowthReason._fields))
        for reason in json.loads(stored or "[]")
    )


def life_row(snapshot_id: str, life: Life) -> dict[str, Any]:
    """The row of one life."""
    return {
        **asdict(life),
        "snapshot_id": snapshot_id,
        **{name: _dump_known(getattr(life, name)) for name in _JSON_OF_LIFE},
    }


def read_life(row: Row) -> Life:
    """The life that a row holds."""
    known = {item.name: row[item.name] for item in fields(Life)}
    for name in ("modules_used", "modules_tried"):
        known[name] = None if row[name] is None else tuple(json.loads(row[name]))
    if row["contacts"] is not None:
        found = json.loads(row["contacts"])
        known["contacts"] = {stage: (contacts, weeks) for stage, (contacts, weeks) in found.items()}
    return Life(**known)


def header_row(
    snapshot_id: str,
    snapshot: Snapshot,
    *,
    previous_id: str | None = None,
    forced: Sequence[str] = (),
) -> dict[str, Any]:
    """The row of a snapshot, with its counts and totals."""
    return {
        "snapshot_id": snapshot_id,
        "as_of": snapshot.as_of,
        "data_end": snapshot.data_end,
        "company": snapshot.company,
        "currency": snapshot.currency,
        "created_at": snapshot.created_at,
        "models": _dump({name: use and dict(use) for name, use in snapshot.models.items()}),
        "thresholds": snapshot.thresholds and _dump(dict(snapshot.thresholds)),
        "counts": _dump(count_states(snapshot.scores)),
        "totals": _dump(asdict(total_money(snapshot.scores))),
        "config_hash": snapshot.config_hash,
        "accounts": len(snapshot.scores),
        "previous_id": previous_id,
        "forced": _dump(list(forced)) if forced else None,
        "stale_after_days": snapshot.stale_after_days,
        "backfilled": snapshot.backfilled,
        "rescored_id": snapshot.rescored_id,
        "capacity": snapshot.capacity,
        "claims": sum(score.loss_probability is not None for score in snapshot.scores),
    }


def read_header(row: Row) -> SnapshotHeader:
    """The snapshot that a row describes."""
    return SnapshotHeader(
        **{name: row[name] for name in PLAIN_OF_HEADER},
        models=json.loads(row["models"]),
        thresholds=json.loads(row["thresholds"]) if row["thresholds"] else None,
        counts=json.loads(row["counts"]),
        totals=Totals(**json.loads(row["totals"])),
        forced=tuple(json.loads(row["forced"])) if row["forced"] else (),
        backfilled=bool(row["backfilled"]),
    )


class Packed(bytes):
    """A document as `pack` packs it, where a document is asked for: it takes less memory so."""


def pack_quickly(document: object) -> Packed:
    """The same a third faster, for many documents; a number that is none becomes null."""
    return Packed(zlib.compress(orjson.dumps(document)))


def pack(document: object) -> bytes:
    """JSON as it is kept where it is long."""
    return zlib.compress(_dump(document).encode())


def unpack(body: bytes) -> Any:  # Any: JSON
    """The document that `pack` packed."""
    return json.loads(zlib.decompress(body))


def _dump_some(found: Sequence[Any] | Mapping[str, Any]) -> str | None:
    """JSON of a list or mapping; None where it is empty."""
    return _dump(found) if found else None


def _dump_known(found: object) -> str | None:
    """JSON; None where nothing is known."""
    return None if found is None else _dump(found)


def _dump(document: object) -> str:
    return json.dumps(document, allow_nan=False, separators=(",", ":"))
