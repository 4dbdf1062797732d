"""What the accounts of a list add up to: the tiles, the calendar, and what changed in it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from models.account_score import Basis
from models.alert import Severity
from models.score_change import Voice
from models.unscored import UnscoredReason, reason_unscored
from serving.entry import Outline
from serving.portfolio_ledger import Figure, Previous
from serving.shelf import Portfolio, sum_up

SOON_DAYS = 90
WEEKS = 12
CHANGES = 40  # kept of each kind
LEAST_CHANGE = 0.005  # share of probability that is worth a line


@dataclass(frozen=True, slots=True)
class Amount:
    """Some accounts and their money.

    Parameters
    ----------
    accounts : int
    arr : float or None
        Sum of what is known; None where nothing is, 0 where there are no accounts.
    """

    accounts: int
    arr: float | None


@dataclass(frozen=True, slots=True)
class WeekAmount:
    """The decisions of one week, `first` its first day."""

    first: date
    all: Amount
    high: Amount


@dataclass(frozen=True, slots=True)
class Change:
    """An account whose probability moved since the snapshot before.

    Parameters
    ----------
    account_id : str
    before, after : float
        Shares 0-1, of the same basis and, where another model spoke, both by the new one.
    weight : float
        Expected loss that moved; points alone where no money is known.
    ended : bool
        Whether its contract ended with nothing signed: it stands after what can still be won.
    """

    account_id: str
    before: float
    after: float
    weight: float
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Movement:
    """What changed since the snapshot before, of the accounts that are in both.

    Parameters
    ----------
    into_high, out_of_high : int
        Accounts that came into the high tier and left it.
    by_model : int
        Those among both whose model moved them further than they moved themselves.
    customers, models : tuple of Change
        The largest changes by what the customer did, and by another model.
    customer_count, model_count : int
        All of them.
    """

    into_high: int
    out_of_high: int
    by_model: int
    customers: tuple[Change, ...]
    models: tuple[Change, ...]
    customer_count: int
    model_count: int


@dataclass(frozen=True, slots=True)
class NorthStar:
    """The configured measure of value over the accounts of a list.

    Parameters
    ----------
    accounts : int
        Those of which it is known.
    total : float
        Of them.
    change : float or None
        Its change since the snapshot before, as a share, over the accounts known in both; None
        where there are none, or they had nothing then.
    """

    accounts: int
    total: float
    change: float | None

    @property
    def mean(self) -> float:
        """Per account."""
        return self.total / self.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a list adds up to; money is in the snapshot's currency.

    Parameters
    ----------
    portfolio : Portfolio
        As the API counts and sums the same accounts.
    arr : float or None
        Of all of them.
    high, high_ended, deciding, in_grace, passed : Amount
        In the high tier; of those, ended with nothing signed; with a decision in the next
        `SOON_DAYS`; ended with nothing signed; still to decide although the day for it has passed.
    unscored : mapping of str to int
        Accounts without a probability, by reason.
    weeks : tuple of WeekAmount
        The next `WEEKS` weeks; empty where nobody knows the day.
    warnings : mapping of str to int
        Accounts by rule of open warnings, the most first.
    severities : mapping of str to int
        Accounts by severity, those with a warning of it open; of the rules whose severity is known.
    north_star : NorthStar or None
        None where no account's is known.
    movement : Movement or None
        None without a snapshot before.
    """

    portfolio: Portfolio
    arr: float | None
    high: Amount
    high_ended: Amount
    deciding: Amount
    in_grace: Amount
    passed: Amount
    unscored: Mapping[UnscoredReason, int]
    weeks: tuple[WeekAmount, ...]
    warnings: Mapping[str, int]
    severities: Mapping[Severity, int]
    north_star: NorthStar | None
    movement: Movement | None

    @property
    def expected_loss(self) -> float | None:
        """Over both bases; None where no amount is known."""
        return _sum(self.portfolio.totals.arr_at_risk.values())

    @property
    def notice(self) -> int:
        """Accounts under notice."""
        return self.portfolio.states["notice_given"]


def add_up(
    accounts: Sequence[Outline],
    as_of: date | None,
    previous: Previous | None,
    severity_of: Mapping[str, Severity] | None = None,
) -> Figures:
    """The figures of a list.

    Parameters
    ----------
    accounts : sequence of Outline
        Of the list, in any order.
    as_of : date or None
        Of the snapshot; None where nobody knows it.
    previous : Previous or None
        The snapshot before.
    severity_of : mapping of str to str, optional
        By rule of warnings.
    """
    high = [one for one in accounts if one.risk_tier == "high"]
    to_decide = [one for one in accounts if one.state == "to_decide"]
    deciding = [one for one in to_decide if _is_within(one, as_of, SOON_DAYS)]
    passed = [one for one in to_decide if as_of and one.decision_date and one.decision_date < as_of]
    rules, severities = _count_warnings(accounts, severity_of or {})
    return Figures(
        portfolio=sum_up(accounts),
        arr=_sum(one.arr for one in accounts),
        high=_amount(high, accounts),
        high_ended=_amount([one for one in high if one.state == "in_grace"], accounts),
        deciding=_amount(deciding, accounts),
        in_grace=_amount([one for one in accounts if one.state == "in_grace"], accounts),
        passed=_amount(passed, accounts),
        unscored=Counter(filter(None, map(reason_unscored, accounts))),
        weeks=_cut_weeks(to_decide, as_of) if as_of else (),
        warnings=dict(rules.most_common()),
        severities=severities,
        north_star=_follow_star(accounts, previous),
        movement=None if previous is None else _compare(accounts, previous),
    )


def _count_warnings(
    accounts: Iterable[Outline], severity_of: Mapping[str, Severity]
) -> tuple[Counter[str], Counter[Severity]]:
    """Accounts by rule and by severity; accounts with the same warnings are looked at once."""
    rules: Counter[str] = Counter()
    severities: Counter[Severity] = Counter()
    for marks, count in Counter(one.open_warnings for one in accounts).items():
        if marks:
            named = marks.strip("|").split("|")
            rules.update(dict.fromkeys(named, count))
            found = {severity_of[rule] for rule in named if rule in severity_of}
            severities.update(dict.fromkeys(found, count))
    return rules, severities


def _follow_star(accounts: Iterable[Outline], previous: Previous | None) -> NorthStar | None:
    """The measure of value over a list, and how far it moved where it was known before too."""
    known = [one for one in accounts if one.north_star is not None]
    if not known:
        return None
    total = math.fsum(one.north_star or 0.0 for one in known)
    before = after = 0.0
    for one in known:
        past = previous.figures.get(one.account_id) if previous else None
        if past is not None and past.north_star is not None:
            before, after = before + past.north_star, after + (one.north_star or 0.0)
    return NorthStar(len(known), total, after / before - 1.0 if before > 0.0 else None)


def _is_within(account: Outline, as_of: date | None, days: int) -> bool:
    day = account.decision_date
    return bool(as_of and day and as_of <= day <= as_of + timedelta(days))


def _amount(chosen: Sequence[Outline], all_accounts: Sequence[Outline]) -> Amount:
    if not chosen and any(one.arr is not None for one in all_accounts):
        return Amount(0, 0.0)
    return Amount(len(chosen), _sum(one.arr for one in chosen))


def _cut_weeks(accounts: Iterable[Outline], as_of: date) -> tuple[WeekAmount, ...]:
    """Weeks of seven days from the as-of date on."""
    weeks: list[list[Outline]] = [[] for _ in range(WEEKS)]
    for one in accounts:
        if one.decision_date is not None:
            index = (one.decision_date - as_of).days // 7
            if 0 <= index < WEEKS:
                weeks[index].append(one)
    return tuple(
        WeekAmount(
            as_of + timedelta(7 * index),
            _amount(found, found),
            _amount([one for one in found if one.risk_tier == "high"], found),
        )
        for index, found in enumerate(weeks)
    )


def _compare(accounts: Iterable[Outline], previous: Previous) -> Movement:
    into = out = by_model = 0
    customers: list[Change] = []
    models: list[Change] = []
    for account in accounts:
        past = previous.figures.get(account.account_id)
        if past is None:
            continue
        was, now = past.risk_tier == "high", account.risk_tier == "high"
        into, out = into + (now and not was), out + (was and not now)
        by_customer, by_other = _split(account, past, previous.voices)
        if was != now and by_other is not None:
            moved = abs(by_customer[1] - by_customer[0]) if by_customer else 0.0
            by_model += abs(by_other[1] - by_other[0]) > moved
        _keep(customers, account, by_customer)
        _keep(models, account, by_other)
    return Movement(
        into, out, by_model, _largest(customers), _largest(models), len(customers), len(models)
    )


Step = tuple[float, float]


def _split(
    account: Outline, past: Figure, voices: Mapping[Basis, Voice]
) -> tuple[Step | None, Step | None]:
    """How far the customer moved the probability, and how far another model; None where unknown."""
    then, now = past.loss_probability, account.loss_probability
    if then is None or now is None or account.basis is None or account.basis != past.basis:
        return None, None
    voice = voices[account.basis]
    if voice == "same":
        return (then, now), None
    # What a model says of the figures of some other snapshot tells nothing of this step.
    rescored = account.rescored_probability if voice == "asked" else None
    return (None, None) if rescored is None else ((rescored, now), (then, rescored))


def _keep(found: list[Change], account: Outline, step: Step | None) -> None:
    if step is None or abs(step[1] - step[0]) < LEAST_CHANGE:
        return
    money = account.arr_to_decide
    weight = abs(step[1] - step[0]) * (1.0 if money is None else money)
    ended = account.state == "in_grace"
    found.append(Change(account.account_id, *step, weight, ended))


def _largest(found: list[Change]) -> tuple[Change, ...]:
    return tuple(sorted(found, key=lambda one: (one.ended, -one.weight, one.account_id))[:CHANGES])


def _sum(amounts: Iterable[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if known else None


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts under one parent, or of one owner.

    Parameters
    ----------
    name : str or None
        The parent's id or the owner; None where there is none.
    accounts, high : int
        All, and those in the high tier.
    arr, at_risk : float or None
        Sums of what is known.
    """

    name: str | None
    accounts: int
    high: int
    arr: float | None
    at_risk: float | None


def group_accounts(
    accounts: Iterable[Outline], name_of: Callable[[Outline], str | None]
) -> list[Group]:
    """The accounts by what a function names of them, highest expected loss first."""
    members: dict[str | None, list[Outline]] = {}
    for one in accounts:
        members.setdefault(name_of(one), []).append(one)
    groups = [
        Group(
            name,
            len(found),
            sum(one.risk_tier == "high" for one in found),
            _sum(one.arr for one in found),
            _sum(one.arr_at_risk for one in found),
        )
        for name, found in members.items()
    ]
    return sorted(
        groups, key=lambda one: (one.at_risk is None, -(one.at_risk or 0.0), one.name or "")
    )
