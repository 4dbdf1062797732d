"""A made-up company with every table and every column, so that every feature has values."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import TABLES, Column

Row = dict[str, Any]  # Any: a cell is a date, a number, a text, a flag or missing
FIRST = date(2024, 1, 1)
DATES = (date(2025, 3, 1), date(2025, 6, 2), date(2025, 9, 1))
DATA_END = date(2026, 1, 1)
ACCOUNTS = tuple(f"A{number}" for number in range(8))
USERS = ("u1", "u2", "u3", "u4")
_WORDS = {
    "contracts.currency": ("USD", "USD", "EUR"),
    "usage.event": ("save", "view", "export", "board", "link", "login"),
    "measures.name": ("gb", "revenue"),
    "users.role": ("champion", "executive", "admin", "contact", "member"),
    "tickets.severity": ("high", "medium", "low"),
    "surveys.kind": ("nps", "csat", "ces", "csm_sentiment", "fit"),
    "touchpoints.kind": ("qbr", "training", "call", "email"),
    "touchpoints.initiated_by": ("vendor", "customer"),
    "milestones.kind": ("onboarding", "goal"),
}
_NUMBERS = {
    "surveys.value": (0, 2, 5, 7, 9, 10),
    "contracts.notice_days": (0, 30, 60),
    "contracts.term_months": (12,),
    "contracts.billing_period_months": (1, 12),
    "contracts.discount": (0.0, 0.1, 0.3),
    "contracts.seats": (5, 10, 20),
    "contracts.arr": (1000, 1005, 2000, 900),
    "usage.count": (1, 2, 5, None),
    "tickets.csat": (1, 3, 5, None),
}
_TYPES = {
    **dict.fromkeys(("id", "text"), pa.string()),
    **dict.fromkeys(("number", "share"), pa.float64()),
    "date": pa.date32(),
    "flag": pa.bool_(),
}
_ROWS = {"usage": 1500, "measures": 600, "tickets": 60, "surveys": 120, "touchpoints": 80}
_ROWS |= {"invoices": 60, "milestones": 40, "interventions": 10}

SETTINGS: dict[str, Any] = {  # Any: sections of the configuration
    "attributes": {
        "industry": {"kind": "category"},
        "employees": {"kind": "number", "constant": True},
        "plan": {"kind": "category"},
        "users.role": {"kind": "category", "constant": True},
    },
    "measures": {"gb": {"kind": "level"}, "revenue": {"kind": "flow"}},
    "catalogue": {
        "save": {"module": "report", "core": True, "value_action": True},
        "view": {"module": "report", "view": True},
        "export": {"module": "data", "core": True},
        "board": {"module": "data", "view": True, "report": True},
        "link": {"module": "link", "hard_to_leave": True},
    },
    "labels": {
        "churn": {
            "by": ["contract", "inactivity"],
            "inactivity": {"silent_days": 14, "events": ["save", "export"]},
        },
        "renewal": {"max_lead_days": 180},
    },
}


def dense_tables(seed: int = 7) -> dict[str, list[Row]]:
    """Rows of every contract table for eight accounts over two years."""
    draw = random.Random(seed)
    tables: dict[str, list[Row]] = {
        "accounts": _accounts(draw),
        "contracts": [row for account in ACCOUNTS for row in _contracts(draw, account)],
        "users": _users(draw),
        "rates": [
            {"currency": "EUR", "date": FIRST + timedelta(days=90 * n), "rate": 1.0 + n / 10}
            for n in range(8)
        ],
    }
    for name, rows in _ROWS.items():
        tables[name] = [_row(draw, name, number) for number in range(rows)]
    tables["usage"] += [_told_again(row) for row in tables["usage"][::10] if row["event_id"]]
    return tables


def write_tables(folder: Path) -> dict[str, str]:
    """The dense company as a Parquet file per table, and the query that reads each."""
    folder.mkdir(parents=True)
    queries = {}
    for name, rows in dense_tables().items():
        kinds = {column.name: column.kind for column in TABLES[name].columns}
        fields = [(column, _TYPES[kinds[column]]) for column in rows[0]]
        file = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), file)
        queries[name] = f"SELECT * FROM read_parquet('{file}')"
    return queries


def _day(draw: random.Random) -> date:
    return FIRST + timedelta(days=draw.randrange(720))


def _late(draw: random.Random, day: date) -> date | None:
    return draw.choice([None, None, None, day + timedelta(days=draw.choice([1, 5, 40]))])


def _cell(draw: random.Random, table: str, column: Column, number: int) -> Any:  # Any: a cell
    key = f"{table}.{column.name}"
    missing = () if column.required else (None,)
    makers: dict[str, Callable[[], Any]] = {
        "date": lambda: _day(draw),
        "number": lambda: draw.choice(_NUMBERS.get(key, (1, 2, 4, 8, *missing))),
        "share": lambda: draw.choice((0.1, 0.25, 0.5, 0.9, None)),
        "flag": lambda: draw.choice((True, False, None)),
        "text": lambda: draw.choice(_WORDS.get(key, ("x", "y", "z"))),
        "id": lambda: f"{column.name}-{number}",
    }
    ids = {"account_id": ACCOUNTS, "user_id": (*USERS, None), "session_id": ("s1", "s2", "s3")}
    if column.name in ids:
        return draw.choice(ids[column.name])
    return makers[column.kind]()


def _row(draw: random.Random, table: str, number: int) -> Row:
    """A row of an event table: later dates follow the row's own, or are missing."""
    row = {column.name: _cell(draw, table, column, number) for column in TABLES[table].columns}
    own = TABLES[table].own_dates[0] if TABLES[table].own_dates else "planned_at"
    row["known_at"] = _late(draw, row[own])
    for name in ("resolved_at", "paid_at", "reached_at", "due_at"):
        if name in row:
            row[name] = draw.choice([None, row[own] + timedelta(days=draw.randrange(60))])
    if table == "usage":
        row["event_id"] = None if draw.random() < 0.5 else f"e{number}"
        row["session_id"] = f"{row['user_id']} {row['ts']} {row['known_at']}"
    return row


def _told_again(row: Row) -> Row:
    """The same event once more, told later and otherwise: it counts once, as it was first known."""
    known = max(row["ts"], row["known_at"] or row["ts"]) + timedelta(days=20)
    return {**row, "known_at": known, "count": 5, "event": "login"}


def _accounts(draw: random.Random) -> list[Row]:
    rows = []
    for number, account in enumerate(ACCOUNTS):
        for known in (FIRST, date(2025, 4, 1) if number % 2 else None):
            if known is None:
                continue
            row = {c.name: _cell(draw, "accounts", c, number) for c in TABLES["accounts"].columns}
            parent = None if number % 3 == 0 else f"P{number % 2}"
            rows.append({**row, "account_id": account, "parent_id": parent, "known_at": known})
    return rows


def _contracts(draw: random.Random, account: str) -> list[Row]:
    """A chain of yearly or quarterly terms, some of which end early or are under notice."""
    rows: list[Row] = []
    start = FIRST + timedelta(days=draw.randrange(200))
    for number in range(draw.randrange(1, 6)):
        row = {c.name: _cell(draw, "contracts", c, number) for c in TABLES["contracts"].columns}
        end = start + timedelta(days=draw.choice([91, 182, 365]))
        ended = start + timedelta(days=50) if draw.random() < 0.15 else None
        before = rows[-1]["contract_id"] if rows and draw.random() < 0.3 else None
        rows.append(
            row
            | {"contract_id": f"{account}-{number}", "account_id": account, "start_date": start}
            | {"end_date": end, "terminated_at": ended, "renews": before, "known_at": None}
            | {"signed_at": draw.choice([None, start - timedelta(days=20)])}
            | {"notice_given_at": draw.choice([None, None, end - timedelta(days=40)])}
        )
        start = end + timedelta(days=draw.choice([0, 0, 0, 10, 45]))
    return rows


def _users(draw: random.Random) -> list[Row]:
    rows: list[Row] = []
    for account in ACCOUNTS:
        for user in USERS:
            activated = FIRST + timedelta(days=draw.randrange(400))
            gone = draw.choice([None, None, activated + timedelta(days=draw.randrange(500))])
            role = draw.choice(_WORDS["users.role"])
            row: Row = {"user_id": user, "account_id": account, "role": role, "name": None}
            rows.append(row | {"activated_at": activated, "deactivated_at": gone})
    return rows
