"""The board of an account: what its page shows beside the score, as it is published.

A board is JSON. Dates are texts like ``2026-11-01``; what is not known, or what the company's
tables do not tell, is null and never 0. Everything is as known before the as-of date. Names of
people stand in ``names`` alone, so that they can be left out for who may not read them.
"""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic reads no other one on Python 3.11


class Change(TypedDict):
    """A figure of the last 28 days, and of the 28 before them."""

    now: float
    before: float


class Company(TypedDict):
    """Use by the whole account.

    ``visits`` are sessions, ``views`` page views, ``hours`` time in the product;
    ``views_per_visit`` is null without a visit in both spans. ``seats``: of the contracts that run,
    in grace of the last ones; null where one does not say.
    """

    events: Change
    value_actions: Change | None
    visits: Change | None
    views: Change | None
    active_users: Change | None
    hours: Change | None
    views_per_visit: Change | None
    seats: float | None


class Weekly(TypedDict):
    """Series of spans of seven days, the oldest first; the last one ends before the as-of date.

    ``first_day``: of the first span.
    """

    first_day: str
    events: list[int]
    value_actions: list[int] | None
    visits: list[int] | None
    views: list[int] | None
    hours: list[float] | None


class Daily(TypedDict):
    """Series of days, the oldest first; ``first_day``: the first of them."""

    first_day: str
    value_actions: list[int] | None
    active_users: list[int] | None


class Module(TypedDict):
    """One module of the product.

    ``events``, ``views`` and ``hours`` are series as in `Weekly`. ``views`` is null where no event
    of the module is called a view; ``hours`` are the durations of its events, null where usage
    tells none. ``last_use``: null where it was not in the days of the series; ``ever``: whether it
    was used at all.
    """

    module: str
    events: list[int]
    views: list[int] | None
    hours: list[float] | None
    change: Change
    last_use: str | None
    ever: bool


class Feature(TypedDict):
    """One kind of event, with what the configuration says of it.

    ``user_days``: days on which it was done, counted once per user; ``weeks``: the same as a
    series as in `Weekly`.
    """

    event: str
    module: str | None
    core: bool
    value_action: bool
    view: bool
    user_days: Change
    weeks: list[int]
    last_use: str | None
    ever: bool


class Person(TypedDict):
    """One user. ``key``: champion, executive, admin or contact; ``days``: with any use, of 28."""

    user_id: str
    role: str | None
    key: bool
    last_use: str | None
    events: int | None
    days: int | None
    activated_on: str | None
    deactivated_on: str | None


class People(TypedDict):
    """Key users first, then who was seen last; ``more``: how many are left out."""

    users: list[Person]
    more: int


class Milestone(TypedDict):
    """Something planned. ``days_late``: when it was reached, or so far; 0: in time."""

    kind: str
    name: str | None
    planned_on: str | None
    reached_on: str | None
    days_late: int | None


class Contract(TypedDict):
    """One term. ``ends_on`` as agreed, ``ended_on`` as it came, both exclusive.

    ``price_change``: of the price per seat to the term before, as a share; ``renewed``: whether
    what follows it is signed; ``arr`` is in ``currency``.
    """

    contract_id: str
    starts_on: str
    ends_on: str | None
    ended_on: str | None
    decide_by: str | None
    notice_days: float | None
    notice_given_on: str | None
    auto_renew: bool | None
    term_months: float | None
    billing_months: float | None
    plan: str | None
    product: str | None
    seats: float | None
    arr: float | None
    currency: str | None
    discount: float | None
    terms_before: int
    price_change: float | None
    renewed: bool


class Invoices(TypedDict):
    """What is owed. ``last_paid_late_days`` is negative where it was paid early."""

    issued: int
    open: int | None
    overdue: int | None
    amount_overdue: float | None
    oldest_overdue_days: int | None
    last_paid_on: str | None
    last_paid_late_days: int | None


class Survey(TypedDict):
    """The last reading of one kind; ``value``: mean of that day's answers."""

    kind: str
    value: float
    on: str
    age_days: int
    answers: int


class Touchpoint(TypedDict):
    """One contact."""

    on: str
    kind: str
    initiated_by: str | None


class Tickets(TypedDict):
    """Support: ``opened`` in the last 28 days, ``opened_before`` in the 28 before them."""

    open: int | None
    escalated_open: int | None
    oldest_open_days: int | None
    opened: int
    opened_before: int


class Intervention(TypedDict):
    """What was done because of a score."""

    on: str
    playbook: str | None
    status: str | None


class Board(TypedDict):
    """Everything that an account's page shows beside the score.

    ``company`` to ``features`` are null without usage, ``company``, ``weekly`` and ``daily`` also
    where its rows stand for spans too long to tell them apart. ``siblings``: how many other
    customers have the same parent. ``value_by_day_30`` and ``value_by_day_90``: as in
    `models.life.Life`.
    """

    as_of: str
    company: Company | None
    weekly: Weekly | None
    daily: Daily | None
    modules: list[Module] | None
    features: list[Feature] | None
    people: People | None
    names: dict[str, str] | None
    milestones: list[Milestone] | None
    value_by_day_30: bool | None
    value_by_day_90: bool | None
    contracts: list[Contract] | None
    invoices: Invoices | None
    surveys: list[Survey] | None
    touchpoints: list[Touchpoint] | None
    tickets: Tickets | None
    interventions: list[Intervention] | None
    siblings: int | None


def without_names(board: Board) -> Board:
    """The board for who may not read names of people."""
    return {**board, "names": None}
