"""Taking a company's future away, and giving it another one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from hypothesis import strategies as st

from tests.property.company import Company, Draw, Row, account_tables
from tests.property.oracle_use import last_day_covered

# What a row of the table says only from a date of its own.
_DATED = {
    "contracts": ("terminated_at", "notice_given_at"),
    "users": ("activated_at", "deactivated_at"),
    "tickets": ("resolved_at",),
    "invoices": ("paid_at",),
    "milestones": ("reached_at",),
}
_OWN_DATES = {
    "users": ("activated_at",),
    "tickets": ("opened_at",),
    "invoices": ("issued_at",),
    "contracts": ("signed_at", "start_date"),
}
_KEYS = {"rates": ("currency", "date"), "users": ("account_id", "user_id", "known_at")}


def known_day(table: str, row: Row, company: Company) -> date:
    """The day from which a row counts."""
    known: date | None = row.get("known_at")
    for own in _OWN_DATES.get(table, ()):
        known = known or row[own]
    if table == "milestones":
        dates = [day for day in (row["planned_at"], row["reached_at"]) if day is not None]
        known = known or min(dates, default=None)
    if table in ("usage", "measures", "surveys", "touchpoints"):
        known = max(last_day_covered(row["ts"], _grain(company)), known or row["ts"])
    if table == "rates":
        known = max(row["date"], known or row["date"])
    return known or date.min


def _grain(company: Company) -> str:
    grain: str = company.settings["time"]["grain"]
    return grain


def without_future(company: Company, as_of: date) -> Company:
    """The company as it was known on the as-of date: what came later is gone."""
    tables = {
        name: [_past(name, row, as_of) for row in rows if known_day(name, row, company) < as_of]
        for name, rows in company.tables.items()
    }
    return replace(company, tables=tables)


def _past(table: str, row: Row, as_of: date) -> Row:
    dated = [name for name in _DATED.get(table, ()) if row[name] is not None]
    return {**row, **{name: None for name in dated if row[name] >= as_of}}


@st.composite
def other_futures(draw: Draw, company: Company, as_of: date) -> Company:
    """The company with the same past before the as-of date and another future."""
    past = without_future(company, as_of)
    versioned = all("known_at" in row for row in company.tables["users"])
    agreement = company.settings["contracts"]["rows"] == "agreement"
    added = draw(account_tables(agreement=agreement, versioned_users=versioned))
    origins = {row["account_id"]: row["origin"] for row in past.tables["accounts"]}
    added["accounts"] = [{**row, "origin": origins[row["account_id"]]} for row in added["accounts"]]
    added["contracts"] = [
        {**row, "contract_id": f"later-{row['contract_id']}"} for row in added["contracts"]
    ]
    added["tickets"] = [
        {**row, "ticket_id": f"later-{row['ticket_id']}"} for row in added["tickets"]
    ]
    added["rates"] = [
        {"currency": "EUR", "date": as_of - timedelta(days=1), "rate": 3.0, "known_at": as_of},
        {"currency": "EUR", "date": as_of, "rate": 3.0, "known_at": None},
    ]
    tables = {}
    for name, rows in past.tables.items():
        old = [draw(_ending_later(name, row, as_of)) for row in rows]
        new = [row for row in added[name] if known_day(name, row, company) >= as_of]
        tables[name] = old + _with_new_keys(new, old, _KEYS.get(name, ()))
    return replace(past, tables=tables)


def _ending_later(table: str, row: Row, as_of: date) -> st.SearchStrategy[Row]:
    """The row with other dates on or after the as-of date where it has none before it."""
    later = st.sampled_from([as_of + timedelta(days=n) for n in (0, 1, 5, 30)])
    if table == "contracts":
        later = later.map(lambda day: max(day, row["start_date"]))
    if table == "tickets":
        later = later.map(lambda day: max(day, row["opened_at"]))
    unsaid = [name for name in _DATED.get(table, ()) if row[name] is None]
    if table == "users" and "known_at" not in row and "activated_at" in unsaid:
        unsaid.remove("activated_at")  # it would decide from when the row itself counts
    return st.fixed_dictionaries({name: st.none() | later for name in unsaid}).map(
        lambda dates: {**row, **dates}
    )


def _with_new_keys(new: Iterable[Row], old: Iterable[Row], key: tuple[str, ...]) -> list[Row]:
    """The rows whose key no old row has; without a key all of them."""
    taken = {tuple(row.get(name) for name in key) for row in old}
    return [row for row in new if not key or tuple(row.get(name) for name in key) not in taken]
