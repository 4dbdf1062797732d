"""Tables of the snapshot store."""

from __future__ import annotations

from collections.abc import Mapping
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
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from models.snapshot_diff import Trace


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
