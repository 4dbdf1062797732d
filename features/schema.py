"""The data contract: the tables and columns that a company's queries must return.

The design's table, written once. Every table may carry ``known_at``, the day on which a row became
known; without it a row counts from its own date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["id", "text", "date", "number", "share", "flag"]

SQL_TYPES: dict[Kind, str] = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "date": "DATE",
    "number": "DOUBLE",
    "share": "DOUBLE",
    "flag": "BOOLEAN",
}


@dataclass(frozen=True)
class Column:
    """A column of a contract table.

    Parameters
    ----------
    name : str
    kind : Kind
        How its values are read; a date is a local day.
    required : bool
        Whether the query must return it and whether it may be null.
    known_from : str
        The date column (often itself) before which the value is not known; empty: with the row.
    lowest : float or None
        Smallest legal value.
    """

    name: str
    kind: Kind
    required: bool = False
    known_from: str = ""
    lowest: float | None = None


@dataclass(frozen=True)
class Table:
    """A contract table: its columns, what identifies a row and the date that a row bears.

    ``own_dates`` are tried in turn: the first that is not null is the day from which the row
    counts when the query gives no ``known_at``. None: known as of the extract only.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    own_dates: tuple[str, ...] = ()
    versioned: bool = False

    def column(self, name: str) -> Column | None:
        """The column of this name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def _columns(kind: Kind, names: str, **options: object) -> tuple[Column, ...]:
    return tuple(Column(name, kind, **options) for name in names.split())  # type: ignore[arg-type]  # options are Column's own


_KNOWN = (Column("known_at", "date"),)
_ACCOUNT = (Column("account_id", "id", required=True),)
_TS = (Column("ts", "date", required=True),)


def _dated(name: str) -> Column:
    return Column(name, "date", known_from=name)


def _join(*groups: tuple[Column, ...]) -> tuple[Column, ...]:
    return tuple(column for group in groups for column in group)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "accounts",
            _join(
                _ACCOUNT,
                _columns("text", "name industry segment account_tier country region owner"),
                _columns("id", "parent_id external_id"),
                _columns("number", "employees cost_to_acquire", lowest=0.0),
                _columns("share", "product_fit planned_fit", lowest=0.0),
                _columns("date", "created_at"),
                _KNOWN,
            ),
            key=("account_id",),
            versioned=True,
        ),
        Table(
            "contracts",
            _join(
                _columns("id", "contract_id account_id", required=True),
                (Column("start_date", "date", required=True), Column("end_date", "date")),
                (_dated("terminated_at"), _dated("notice_given_at"), Column("signed_at", "date")),
                _columns("number", "arr mrr seats notice_days term_months", lowest=0.0),
                _columns("number", "billing_period_months", lowest=0.0),
                _columns("number", "discount"),
                _columns("text", "currency plan product"),
                _columns("flag", "auto_renew"),
                _columns("id", "renews"),
                _KNOWN,
            ),
            key=("contract_id",),
            own_dates=("signed_at", "start_date"),
        ),
        Table(
            "usage",
            _join(
                _ACCOUNT,
                _TS,
                (Column("event", "text", required=True),),
                _columns("id", "event_id user_id session_id"),
                _columns("number", "count duration_s", lowest=0.0),
                _KNOWN,
            ),
            own_dates=("ts",),
        ),
        Table(
            "measures",
            _join(
                _ACCOUNT,
                _TS,
                (Column("name", "text", required=True), Column("value", "number", required=True)),
                _KNOWN,
            ),
            own_dates=("ts",),
        ),
        Table(
            "users",
            _join(
                _columns("id", "user_id account_id", required=True),
                _columns("text", "name role"),
                _columns("id", "external_id"),
                (_dated("activated_at"), _dated("deactivated_at")),
                _KNOWN,
            ),
            key=("account_id", "user_id"),
            own_dates=("activated_at",),
            versioned=True,
        ),
        Table(
            "tickets",
            _join(
                _columns("id", "ticket_id account_id", required=True),
                (Column("opened_at", "date", required=True), _dated("resolved_at")),
                _columns("text", "severity"),
                _columns("flag", "escalated"),
                (Column("csat", "number", known_from="resolved_at"),),
                _KNOWN,
            ),
            key=("ticket_id",),
            own_dates=("opened_at",),
        ),
        Table(
            "surveys",
            _join(
                _ACCOUNT,
                _TS,
                (Column("kind", "text", required=True), Column("value", "number", required=True)),
                _columns("id", "user_id"),
                _KNOWN,
            ),
            own_dates=("ts",),
        ),
        Table(
            "touchpoints",
            _join(
                _ACCOUNT,
                _TS,
                (Column("kind", "text", required=True),),
                _columns("text", "initiated_by outcome"),
                _KNOWN,
            ),
            own_dates=("ts",),
        ),
        Table(
            "invoices",
            _join(
                _ACCOUNT,
                (Column("issued_at", "date", required=True), Column("due_at", "date")),
                (_dated("paid_at"),),
                _columns("number", "amount"),
                _KNOWN,
            ),
            own_dates=("issued_at",),
        ),
        Table(
            "milestones",
            _join(
                _ACCOUNT,
                (Column("kind", "text", required=True), Column("name", "text")),
                (Column("planned_at", "date"), _dated("reached_at")),
                _KNOWN,
            ),
        ),
        Table(
            "interventions",
            _join(
                _ACCOUNT + _TS + _columns("text", "playbook status") + _KNOWN,
            ),
            own_dates=("ts",),
        ),
        Table(
            "rates",
            _join(
                (Column("currency", "text", required=True), Column("date", "date", required=True)),
                (Column("rate", "number", required=True, lowest=0.0),),
                _KNOWN,
            ),
            key=("currency", "date"),
            own_dates=("date",),
        ),
    )
}
