"""Tables of the snapshot store, and how a snapshot becomes rows and rows a snapshot."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from models.account_score import AccountScore, Driver
from models.alert import Alert, mark_open
from models.growth import GrowthReason
from models.health import Health, HealthFactor
from models.life import Life
from models.search import make_search_text
from models.snapshot import Snapshot, SnapshotHeader, Totals, count_states, total_money
from models.snapshot_diff import Trace, top_driver

Row = RowMapping | dict[str, Any]  # Any: each column has a type of its own


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps it without its zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment as the database keeps it."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(  # the signature is SQLAlchemy's
        self,
        value: datetime | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> datetime | None:
        """The moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class OptionalDay(TypeDecorator[date]):
    """A day, or None where nobody knows it.

    Stores of every version keep the column as not null, so None is the first day there is.
    """

    impl = Date
    cache_ok = True

    def process_bind_param(
        self,
        value: date | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> date:
        """The day as the database keeps it."""
        return date.min if value is None else value

    def process_result_value(
        self,
        value: date | None,
        dialect: Dialect,  # noqa: ARG002
    ) -> date | None:
        """The day, or None."""
        return None if value == date.min else value


METADATA = MetaData()

STORE_SCHEMA = Table(
    "store_schema",
    METADATA,
    Column("slot", Integer, CheckConstraint("slot = 1"), primary_key=True),
    Column("version", Integer, nullable=False),
)

SNAPSHOT = Table(
    "snapshot",
    METADATA,
    Column("snapshot_id", Text, primary_key=True),
    Column("as_of", OptionalDay, nullable=False),
    Column("data_end", OptionalDay, nullable=False),
    Column("company", Text, nullable=False),
    Column("currency", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("models", Text, nullable=False),  # this and the three below: JSON
    Column("thresholds", Text),
    Column("counts", Text, nullable=False),
    Column("totals", Text, nullable=False),
    Column("config_hash", Text, nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("previous_id", Text),  # no foreign key: retention may have removed it
    Column("forced", Text),  # JSON
    Column("stale_after_days", Double),
    Column("backfilled", Boolean),  # null: no
    Column("rescored_id", Text),  # no foreign key either
    Column("capacity", Integer),
    Column("claims", Integer),
)

CURRENT_SNAPSHOT = Table(
    "current_snapshot",
    METADATA,
    Column("slot", Integer, CheckConstraint("slot = 1"), primary_key=True),
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id")),
)

ACCOUNT_SCORE = Table(
    "account_score",
    METADATA,
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("rank", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("external_id", Text),
    Column("name", Text),
    Column("parent_id", Text),
    Column("segment", Text),
    Column("account_tier", Text),
    Column("region", Text),
    Column("owner", Text),
    Column("currency", Text),
    Column("arr", Double),
    Column("arr_under_notice", Double),
    Column("arr_to_decide", Double),
    Column("basis", Text),
    Column("contract_id", Text),
    Column("decision_date", Date),
    Column("renewal_date", Date),
    Column("churn_probability", Double),
    Column("renewal_likelihood", Double),
    Column("loss_probability", Double),
    Column("loss_probability_low", Double),
    Column("loss_probability_high", Double),
    Column("abstained", Text),
    Column("arr_at_risk", Double),
    Column("risk_tier", Text),
    Column("tier_runs_below", Integer, nullable=False),
    Column("drivers", Text, nullable=False),  # this and the next: JSON
    Column("contributions", Text, nullable=False),
    Column("base_log_odds", Double),
    Column("top_driver", Text),  # of `drivers`, so that comparing snapshots need not read them
    Column("health_score", Double),  # of `health`, for the same reason
    Column("health", Text),  # this and the four below: JSON
    Column("alerts", Text),
    Column("playbooks", Text),
    Column("growth", Text),
    Column("rescored_contributions", Text),
    Column("rescored_probability", Double),
    Column("north_star", Double),
    Column("north_star_change", Double),
    Column("open_warnings", Text),  # of `alerts`, for filtering: see `mark_open`
    Column("search_text", Text),
    UniqueConstraint("snapshot_id", "rank"),
)

SNAPSHOT_DOCUMENT = Table(
    "snapshot_document",
    METADATA,
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # this and the next: JSON, compressed
)

ACCOUNT_BOARD = Table(
    "account_board",
    METADATA,
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

ACCOUNT_LIFE = Table(
    "account_life",
    METADATA,
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("parent_id", Text),
    Column("segment", Text),
    Column("account_tier", Text),
    Column("region", Text),
    Column("owner", Text),
    Column("started_on", Date, nullable=False),
    Column("left_on", Date),
    Column("arr", Double),
    Column("value_by_day_30", Boolean),
    Column("value_by_day_90", Boolean),
    Column("modules_used", Text),  # this and the two below: JSON
    Column("modules_tried", Text),
    Column("contacts", Text),
)

OUTCOME = Table(
    "outcome",
    METADATA,
    Column("snapshot_id", Text, ForeignKey("snapshot.snapshot_id"), primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("lost", Boolean, nullable=False),
    Column("known_on", Date, nullable=False),
    Column("worked_on", Boolean, nullable=False),
)

# Kept for the newest snapshot alone; the second line goes with its snapshot.
OF_THE_NEWEST = (ACCOUNT_BOARD, ACCOUNT_LIFE)
OF_A_SNAPSHOT = (*OF_THE_NEWEST, SNAPSHOT_DOCUMENT, OUTCOME, ACCOUNT_SCORE)

TRACE = tuple(ACCOUNT_SCORE.c[name] for name in Trace._fields)

# Columns that a version added; a store of the version before gets them, empty.
ADDED_COLUMNS: Mapping[int, tuple[Column[Any], ...]] = {
    3: tuple(
        ACCOUNT_SCORE.c[name]
        for name in ("loss_probability_low", "loss_probability_high", "abstained")
    ),
    4: (
        ACCOUNT_SCORE.c.top_driver,
        *(SNAPSHOT.c[name] for name in ("previous_id", "forced", "stale_after_days")),
    ),
    5: (
        *(SNAPSHOT.c[name] for name in ("backfilled", "rescored_id", "capacity", "claims")),
        *(
            ACCOUNT_SCORE.c[name]
            for name in (
                "health_score",
                "health",
                "alerts",
                "playbooks",
                "growth",
                "rescored_contributions",
                "rescored_probability",
                "north_star",
                "north_star_change",
                "open_warnings",
                "search_text",
            )
        ),
    ),
}

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
