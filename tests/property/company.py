"""Small random companies, dense around the days on which a rule changes its mind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from features.schema import TABLES
from tests.property import record

Row = dict[str, Any]  # Any: a cell is a date, a number, a text, a flag or missing
Draw = Callable[[st.SearchStrategy[Any]], Any]  # Any: what hypothesis draws

FIRST_DAY = date(2025, 1, 6)
DATES = tuple(FIRST_DAY + timedelta(days=210 + 7 * week) for week in range(5))
ACCOUNTS = ("A", "B", "C")
GONE = "Z"  # an account of the past, so that every table has a row
USERS = ("u1", "u2", "u3")
GRACE, HORIZON, SILENT, MAX_LEAD = 5, 14, 7, 20
CATALOGUE = {
    "save": {"module": "report", "core": True, "value_action": True, "report": True},
    "view": {"module": "report", "report": True, "view": True},
    "export": {"module": "data", "core": True, "hard_to_leave": True},
    "ping": {"view": True},
}
EVENTS = (*CATALOGUE, "login")  # the last is in no catalogue
MEASURES = {"gb": {"kind": "level"}, "revenue": {"kind": "flow"}}
_AGES = (-8, -1, 0, 1, 2, 7, 8, 14, 15, 27, 28, 29, 56, 57, 91, 92, 119, 120, 182, 183, 210)


@dataclass(frozen=True)
class Company:
    """A company as plain rows, with the as-of dates on which it is looked at."""

    tables: dict[str, list[Row]]
    settings: dict[str, Any]  # Any: sections of the configuration
    dates: tuple[date, ...]
    data_end: date


def _maybe(strategy: st.SearchStrategy[Any], *, missing: int = 2) -> st.SearchStrategy[Any]:
    """Missing in ``missing`` of ``missing + 1`` cases, so that what is rare stays rare."""
    return st.integers(0, missing).flatmap(lambda n: strategy if n == missing else st.none())


def boundary_days() -> st.SearchStrategy[date]:
    """Days at the edges of the windows of some as-of date, and a few days anywhere."""
    near = st.builds(
        lambda as_of, age: as_of - timedelta(days=age),
        st.sampled_from(DATES),
        st.sampled_from(_AGES),
    )
    anywhere = st.integers(0, 280).map(lambda n: FIRST_DAY + timedelta(days=n))
    return st.one_of(near, near, near, anywhere, st.sampled_from(DATES))


def _days(numbers: tuple[int, ...]) -> st.SearchStrategy[timedelta]:
    return st.sampled_from(numbers).map(lambda n: timedelta(days=n))


_LENGTHS = (28, 30, 60, 365, 90, 14, 7, 1, 0)
_GAPS = (0, 0, 0, 1, -1, GRACE, GRACE + 1, -20, 20)
_MONEY = (100.0, 100.5, 101.5, 99.5, 98.5, 200.0, 0.0, None)


@st.composite
def contract_rows(draw: Draw, account_id: str, *, agreement: bool) -> list[Row]:
    """Up to five contracts of one account: chains, overlaps, gaps about the grace limit.

    One of them ends near an as-of date; most have the length and currency of their neighbours.
    """
    rows: list[Row] = []
    wanted = draw(st.integers(0, 2 if agreement else 5))
    usual = draw(_days(_LENGTHS))
    currency = draw(st.sampled_from([None, "USD", "EUR"]))
    pivot = draw(st.sampled_from(DATES)) + draw(_days((0, 1, -1, 5, 10, 15, -5, -6)))
    start = pivot - usual * draw(st.integers(1, max(wanted, 1)))
    for number in range(wanted):
        length = draw(st.one_of(st.just(usual), st.just(usual), _days(_LENGTHS)))
        end = None if draw(st.integers(0, 9)) == 5 else start + length
        rows.append(
            {
                "contract_id": f"{account_id}{number}",
                "account_id": account_id,
                "start_date": start,
                "end_date": end,
                "renews": draw(_maybe(st.sampled_from([*(r["contract_id"] for r in rows), "?"]))),
                "arr": draw(st.sampled_from(_MONEY)),
                "currency": draw(st.sampled_from([currency, currency, currency, "EUR"])),
                "seats": draw(st.sampled_from([5, 8, 0, None])),
                "term_months": draw(st.integers(1, 3)) if agreement else None,
                **draw(_contract_dates(start, end or start + length)),
                **draw(_contract_terms()),
            }
        )
        start = (end or start + length) + draw(_days(_GAPS))
    return rows


def _contract_dates(start: date, end: date) -> st.SearchStrategy[Row]:
    """When a contract was signed, known, under notice and over."""

    def about(day: date, *ages: int) -> st.SearchStrategy[date]:
        return st.sampled_from([*(day - timedelta(days=age) for age in ages), *DATES])

    early = st.one_of(about(start, 0, -1, -6, -13, -27, -29, -30), about(end, 1, 7))
    return st.fixed_dictionaries(
        {
            "terminated_at": _maybe(early.map(lambda day: max(day, start))),
            "notice_given_at": _maybe(about(end, 1, 0, -1, 3, 10), missing=3),
            "signed_at": _maybe(about(start, 0, 7, 40, -8), missing=1),
            "known_at": _maybe(about(start, 0, 30, -1, -15), missing=3),
        }
    )


def _late(day: date, *days: int) -> st.SearchStrategy[date]:
    """When a row of this day became known, some days later or on an as-of date."""
    return st.sampled_from([*(day + timedelta(days=n) for n in days), *DATES])


def _contract_terms() -> st.SearchStrategy[Row]:
    """What else was agreed."""
    return st.fixed_dictionaries(
        {
            "auto_renew": st.sampled_from([None, False, True]),
            "notice_days": st.sampled_from([None, 0, 3, 10]),
            "mrr": _maybe(st.just(10.0)),
            "discount": st.sampled_from([None, 0.25, 0.5]),
            "billing_period_months": _maybe(st.just(1)),
            "sold_by": _maybe(st.sampled_from(["partner", "web"])),
            "plan": st.sampled_from(["basic", "basic", "plus", None]),
            "product": st.sampled_from(["core", "core", "extra", None]),
        }
    )


@st.composite
def usage_rows(draw: Draw, account_id: str) -> list[Row]:
    """Up to a dozen usage rows of one account, some of them late, some delivered twice."""
    rows: list[Row] = []
    for number in range(draw(st.integers(0, 12))):
        day = draw(boundary_days())
        row = {
            "account_id": account_id,
            "ts": day,
            "event": draw(st.sampled_from(EVENTS)),
            "event_id": draw(_maybe(st.just(f"e{number}"))),
            "user_id": draw(st.sampled_from([*USERS, None])),
            "count": draw(st.sampled_from([None, 1, 2, 5, 0])),
            "known_at": draw(_maybe(_late(day, -8, -1, 0, 1, 7, 30))),
            "duration_s": draw(st.sampled_from([None, 0.0, 30.0, 90.5, 3600.0])),
            "session_id": draw(st.sampled_from(["s1", "s1", "s2", None])),
        }
        rows.append(row)
        if row["event_id"] is not None and draw(st.booleans()):
            first_known = max(day, row["known_at"] or day)
            later = first_known + draw(_days((0, 1, 7, 30)))
            other = {"known_at": later, "count": 3, "event": "export", "duration_s": 7.0}
            rows.append({**row, **other})
    return rows


@st.composite
def measure_rows(draw: Draw, account_id: str) -> list[Row]:
    """Up to eight values of one account; no two of a measure have the same day."""
    days = draw(st.lists(boundary_days(), max_size=8, unique=True))
    return [
        {
            "account_id": account_id,
            "ts": day,
            "name": draw(st.sampled_from(sorted(MEASURES))),
            "value": draw(st.sampled_from([0.0, 1.0, 2.0, 4.0, 8.0])),
            "known_at": draw(_maybe(_late(day, -8, 0, 1, 7))),
        }
        for day in days
    ]


@st.composite
def user_rows(draw: Draw, account_id: str, *, versioned: bool) -> list[Row]:
    """The users of one account, each in one or more versions known on different days."""
    rows: list[Row] = []
    for user_id in draw(st.lists(st.sampled_from(USERS), unique=True)):
        activated = draw(_maybe(boundary_days(), missing=1))
        known = draw(st.lists(boundary_days(), min_size=1, max_size=3, unique=True))
        for known_at in known if versioned else [None]:
            row = {
                "user_id": user_id,
                "account_id": account_id,
                "role": draw(
                    st.sampled_from(
                        ["champion", "executive", "executive", "admin", "contact", None]
                    )
                ),
                "activated_at": activated,
                "deactivated_at": draw(_maybe(boundary_days(), missing=1)),
            }
            rows.append({**row, "known_at": known_at} if versioned else row)
    return rows


@st.composite
def account_rows(draw: Draw, account_id: str) -> list[Row]:
    """The versions of one account, the first known from the beginning."""
    origin = draw(st.sampled_from(["ads", "fair", None]))
    later = draw(st.lists(boundary_days(), max_size=2, unique=True))
    return [
        {
            "account_id": account_id,
            "known_at": known_at,
            "channel": draw(st.sampled_from(["web", "partner", None])),
            "people": draw(st.sampled_from([None, 10.0, 50.0])),
            "origin": origin,
            **draw(_account_columns()),
        }
        for known_at in dict.fromkeys([date(2024, 1, 1), *later])
    ]


def _account_columns() -> st.SearchStrategy[Row]:
    """Who the customer is, which may change."""
    share = st.sampled_from([None, 0.0, 0.25, 0.5, 1.0])
    return st.fixed_dictionaries(
        {
            "parent_id": st.sampled_from(["P", "P", "Q", None]),
            "product_fit": share,
            "planned_fit": share,
            "cost_to_acquire": st.sampled_from([None, 0.0, 50.0]),
            "employees": st.sampled_from([None, 10.0]),
            "industry": st.sampled_from(["retail", None]),
            "segment": st.sampled_from(["small", "large"]),
            "account_tier": st.sampled_from(["gold", None]),
        }
    )


def _contract_columns() -> list[str]:
    return [column.name for column in TABLES["contracts"].columns] + ["sold_by"]


def long_gone(*, versioned_users: bool) -> dict[str, list[Row]]:
    """An account that left long ago: so no table is empty, and every event and measure occurs."""
    day, own = date(2024, 1, 1), {"account_id": GONE}
    contract = dict.fromkeys(_contract_columns()) | own
    contract |= {"contract_id": "gone", "start_date": day, "end_date": date(2024, 3, 1)}
    use: Row = {"ts": day, "event_id": None, "user_id": "u1", "count": 1, "known_at": None}
    use |= {"duration_s": 1.0, "session_id": "s"}
    user = {"user_id": "u1", "role": "admin", "activated_at": day, "deactivated_at": day}
    account: Row = {"known_at": day, "channel": "web", "people": 1.0, "origin": "ads"}
    account |= {"parent_id": "P", "product_fit": 1.0, "planned_fit": 1.0, "employees": 1.0}
    account |= {"cost_to_acquire": 1.0, "industry": "x", "segment": "x", "account_tier": "x"}
    return {
        "accounts": [own | account],
        "contracts": [contract | {"term_months": 1}],
        "usage": [own | use | {"event": event} for event in EVENTS],
        "measures": [
            own | {"ts": day, "name": name, "value": 1.0, "known_at": None} for name in MEASURES
        ],
        "users": [own | user | ({"known_at": day} if versioned_users else {})],
        **_long_gone_records(day),
    }


def _long_gone_records(day: date) -> dict[str, list[Row]]:
    kind: Row = {"account_id": GONE, "kind": "other", "known_at": None}
    ticket = {"ticket_id": GONE, "opened_at": day, "resolved_at": None, "severity": None}
    paid = {"issued_at": day, "due_at": None, "paid_at": None, "amount": None}
    return {
        "tickets": [{**ticket, "account_id": GONE, "escalated": None, "csat": None}],
        "surveys": [kind | {"user_id": None, "ts": day, "value": 0.0}],
        "touchpoints": [kind | {"ts": day, "initiated_by": None, "outcome": None}],
        "invoices": [{**paid, "account_id": GONE}],
        "milestones": [kind | {"name": None, "planned_at": None, "reached_at": None}],
    }


def _rate_rows(draw: Draw, *, from_start: bool) -> list[Row]:
    """Rates of the euro; without ``from_start`` none may be known on the first as-of dates."""
    first = FIRST_DAY if from_start else draw(st.sampled_from([FIRST_DAY, DATES[2]]))
    days = draw(st.lists(boundary_days(), max_size=3, unique=True))
    late = _maybe(boundary_days())
    return [{"currency": "EUR", "date": first, "rate": 4.0, "known_at": None}] + [
        {"currency": "EUR", "date": day, "rate": rate, "known_at": draw(late)}
        for day, rate in zip(days, (0.5, 1.25, 2.0), strict=False)
        if day != first
    ]


_INACTIVITY = (
    {"silent_days": SILENT},
    {"silent_days": SILENT, "events": ["save", "export"]},
    {"silent_days": SILENT, "measure": "gb", "below_share": 0.5},
    {"silent_days": SILENT, "measure": "revenue", "below_share": 0.5},
)


def _settings(draw: Draw, *, agreement: bool) -> dict[str, Any]:  # Any: sections
    rules = (["contract"], ["contract"], ["inactivity"], ["inactivity", "contract"])
    by = draw(st.sampled_from(rules))
    # Silence of a few days cannot be told where a row stands for a week.
    grains = ["day"] if "inactivity" in by else ["day", "week", "month"]
    churn = {
        "by": by,
        "horizon_days": HORIZON,
        "lead_days": draw(st.sampled_from([0, 7])),
        "grace_days": draw(st.sampled_from([GRACE, 0])),
        "inactivity": draw(st.sampled_from(_INACTIVITY)),
    }
    renewal = {"max_lead_days": MAX_LEAD, "grace_days": GRACE}
    return {
        "attributes": {
            "channel": {"kind": "category"},
            "people": {"kind": "number"},
            "origin": {"kind": "category", "constant": True},
            "sold_by": {"kind": "category"},
        },
        "contracts": {"rows": "agreement" if agreement else "term"},
        "measures": MEASURES,
        "catalogue": CATALOGUE,
        "labels": {"churn": churn, "renewal": draw(st.sampled_from([renewal, renewal, None]))},
        "time": {"grain": draw(st.sampled_from(grains))},
    }


@st.composite
def account_tables(draw: Draw, *, agreement: bool, versioned_users: bool) -> dict[str, list[Row]]:
    """The rows of three accounts, by table."""
    tables: dict[str, list[Row]] = {}
    for account_id in ACCOUNTS:
        contracts = draw(contract_rows(account_id, agreement=agreement))
        starts = [row["start_date"] for row in contracts]
        rows = {
            "accounts": account_rows(account_id),
            "contracts": st.just(contracts),
            **{name: record.record_rows(name, account_id, DATES, starts) for name in record.TABLES},
            "usage": usage_rows(account_id),
            "measures": measure_rows(account_id),
            "users": user_rows(account_id, versioned=versioned_users),
        }
        for name, strategy in rows.items():
            tables.setdefault(name, []).extend(draw(strategy))
    return tables


@st.composite
def companies(draw: Draw, *, rates_from_start: bool = False) -> Company:
    """A company of three accounts, its rules, and the day on which its data ends."""
    agreement = draw(st.integers(0, 3)) == 3
    versioned = draw(st.integers(0, 3)) != 3
    tables = draw(account_tables(agreement=agreement, versioned_users=versioned))
    for name, rows in long_gone(versioned_users=versioned).items():
        tables[name] += rows
    tables["rates"] = _rate_rows(draw, from_start=rates_from_start)
    settings = _settings(draw, agreement=agreement)
    if draw(st.integers(0, 3)) == 3:
        settings["attributes"]["users.role"] = {"kind": "category", "constant": True}
    data_end = DATES[-1] + draw(_days((60, 0, 1, 14, 20, 21, 26, 27)))
    return Company(tables, settings, DATES, data_end)
