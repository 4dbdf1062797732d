"""Tables of the service store, and how their rows become what they hold."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    RowMapping,
    Table,
    Text,
)

from models.feedback import Feedback, LossReason
from models.key import Key
from models.row_filter import RowFilter
from models.schema import Schema
from models.store_table import UtcDateTime

METADATA = MetaData()

SERVICE_SCHEMA = Table(
    "service_schema",
    METADATA,
    Column("slot", Integer, CheckConstraint("slot = 1"), primary_key=True),
    Column("version", Integer, nullable=False),
)

API_KEY = Table(
    "api_key",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # this and the next: JSON
    Column("row_filter", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("replaced_by", Text),
)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("feedback_id", Text, primary_key=True),
    Column("snapshot_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text),  # null: given where no key is needed
    Column("disposition", Text, nullable=False),
    Column("reason", Text),
    Column("snooze_until", Date),
    Column("note", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("feedback_by_account", "account_id", "created_at"),
)

LOSS_REASON = Table(
    "loss_reason",
    METADATA,
    Column("loss_reason_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("key_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("loss_reason_by_account", "account_id", "created_at"),
)

WARNING_MUTE = Table(
    "warning_mute",
    METADATA,
    Column("mute_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("subject", Text),
    Column("until", Date, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text),
    Column("key_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("warning_mute_by_account", "account_id", "created_at"),
)

PLAYBOOK_ACTION = Table(
    "playbook_action",
    METADATA,
    Column("action_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("due_on", Date),
    Column("note", Text),
    Column("snapshot_id", Text, nullable=False),
    Column("key_id", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Index("playbook_action_by_account", "account_id", "created_at"),
)

IDEMPOTENCY_KEY = Table(
    "idempotency_key",
    METADATA,
    Column("key_id", Text, primary_key=True),  # empty where no key is needed
    Column("idempotency_key", Text, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
)

LEASE = Table(
    "lease",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

WEBHOOK_TARGET = Table(
    "webhook_target",
    METADATA,
    Column("target_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("row_filter", Text, nullable=False),  # JSON
    Column("created_at", UtcDateTime, nullable=False),
    Column("told_up_to", Text),
    Column("stopped", Text),
    Column("failing_since", UtcDateTime),
    Column("via_api", Boolean, nullable=False),
    Column("old_secret", Text),
    Column("old_secret_until", UtcDateTime),
)

WEBHOOK_DELIVERY = Table(
    "webhook_delivery",
    METADATA,
    Column("target_id", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    Column("snapshot_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("sent_at", UtcDateTime),
    Column("fault", Text),
    Index("webhook_delivery_by_due", "target_id", "state", "due_at"),
)

SESSION = Table(
    "session",
    METADATA,
    Column("session_hash", Text, primary_key=True),
    Column("key_id", Text, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
)

# A table that is added needs the next version; a column also a place in `added`.
SCHEMA = Schema(
    name="service store",
    version=3,
    metadata=METADATA,
    version_table=SERVICE_SCHEMA,
    lock=0x6B657973,
    added={3: (WEBHOOK_TARGET.c.old_secret, WEBHOOK_TARGET.c.old_secret_until)},
)


def key_row(key: Key) -> dict[str, Any]:  # Any: each column has a type of its own
    """The row of a key."""
    return {
        "key_id": key.key_id,
        "name": key.name,
        "secret_hash": key.secret_hash,
        "scopes": json.dumps(sorted(key.scopes)),
        "row_filter": json.dumps(key.row_filter.to_json()),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "replaced_by": key.replaced_by,
    }


def read_key(row: RowMapping) -> Key:
    """The key that a row holds."""
    plain = {name: row[name] for name in row if name not in ("scopes", "row_filter")}
    return Key(
        **plain,
        scopes=frozenset(json.loads(row["scopes"])),
        row_filter=RowFilter.parse(json.loads(row["row_filter"])),
    )


def read_feedback(row: RowMapping) -> Feedback:
    """The feedback that a row holds."""
    return Feedback(**row)


def read_loss_reason(row: RowMapping) -> LossReason:
    """The reason of a loss that a row holds."""
    return LossReason(**row)
