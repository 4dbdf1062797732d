"""The boards of all accounts, from the company's tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from features.board_record import Records, Section, read_records
from features.board_use import DAYS, WINDOW, Ints, Use, read_use
from features.settings import GRAIN_DAYS
from features.source import Source
from models.board import Board, Change, Company, Daily, Feature, Module, Weekly
from models.life import Life

WEEK = 7
_MONTH = WINDOW // WEEK
_HOUR = 3600  # seconds
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Boards:
    """The boards, each made when it is asked for: together they take gigabytes.

    Parameters
    ----------
    each : iterator of (str, Board)
        By account id, once.
    modules : sequence of str
        Those that the product has; empty where usage does not tell them apart.
    """

    each: Iterator[tuple[str, Board]]
    modules: Sequence[str]


def build_boards(
    source: Source, as_of: date, account_ids: Sequence[str], lives: Mapping[str, Life]
) -> Boards:
    """The board of each account, as known before a date.

    Parameters
    ----------
    source : Source
        Its connection holds ``known_term`` of the date where there are contracts.
    as_of : date
    account_ids : sequence of str
        Whose boards are wanted.
    lives : mapping of str to Life
        By account id.
    """
    numbered = pa.table(
        {"account": np.arange(len(account_ids)), "account_id": pa.array(account_ids, pa.string())}
    )
    source.connection.register("board_account_list", numbered)
    source.connection.execute(
        "CREATE OR REPLACE TEMP TABLE board_account AS SELECT * FROM board_account_list"
    )
    source.connection.unregister("board_account_list")
    found = read_use(source, as_of)
    use = None if found is None else _UseBoard(found, as_of, GRAIN_DAYS[source.settings.time.grain])
    records = read_records(source, as_of)
    boards = (
        (account, _board(number, account, as_of, use, records, lives.get(account)))
        for number, account in enumerate(account_ids)
    )
    return Boards(boards, [] if use is None else use.modules)


def _board(
    number: int, account: str, as_of: date, use: _UseBoard | None, records: Records,
    life: Life | None,
) -> Board:  # fmt: skip
    def of(section: Section | None, none: Callable[[], Any] | None = list) -> Any:  # Any: JSON
        if section is None:
            return None
        found = section.get(account)
        return none() if found is None and none is not None else found

    def read(texts: Mapping[str, str] | None, none: Any) -> Any:  # Any: JSON
        return None if texts is None else orjson.loads(texts[account]) if account in texts else none

    return {
        "as_of": as_of.isoformat(),
        "company": None if use is None else use.company(number, of(records.seats, None)),
        "weekly": None if use is None else use.weekly(number),
        "daily": None if use is None else use.daily(number),
        "modules": None if use is None else use.module_list(number),
        "features": None if use is None else use.feature_list(number),
        "people": read(records.people, {"users": [], "more": 0}),
        "names": read(records.names, {}),
        "milestones": of(records.milestones),
        "value_by_day_30": None if life is None else life.value_by_day_30,
        "value_by_day_90": None if life is None else life.value_by_day_90,
        "contracts": of(records.contracts),
        "invoices": of(records.invoices, None),
        "surveys": of(records.surveys),
        "touchpoints": of(records.touchpoints),
        "tickets": of(records.tickets, None),
        "interventions": of(records.interventions),
        "siblings": of(records.siblings, None),
    }


class _UseBoard:
    """Use as boards show it.

    Parameters
    ----------
    use : Use
    as_of : date
    finest : int
        Days that a row of usage may stand for.
    """

    def __init__(self, use: Use, as_of: date, finest: int) -> None:
        self._use, self._as_of, self._finest = use, as_of, finest
        self._begin = (as_of - timedelta(days=DAYS)).isoformat()

    @property
    def modules(self) -> list[str]:
        """The modules that are told apart."""
        return list(self._use.modules)

    @cached_property
    def _changes(self) -> dict[str, list[tuple[int, int]]]:
        return {name: _change(weeks) for name, weeks in self._use.weekly.items()}

    @cached_property
    def _hours(self) -> Floats | None:
        times = self._use.weekly.get("milliseconds")
        return None if times is None else _hours(times / 1000)

    def company(self, number: int, seats: float | None) -> Company | None:
        """The first level of a board."""
        if self._finest > WEEK:
            return None

        def change(name: str, unit: float = 1) -> Change | None:
            found = self._changes.get(name)
            return None if found is None else _of(*(part / unit for part in found[number]))

        visits, views = change("sessions"), change("views")
        active = self._use.active[number].tolist() if self._use.tells_users else None
        return {
            "events": _of(*self._changes["events"][number]),
            "value_actions": change("value_actions"),
            "visits": visits,
            "views": views,
            "active_users": None if active is None else _of(*active),
            "hours": change("milliseconds", 1000 * _HOUR),
            "views_per_visit": _per(views, visits),
            "seats": seats,
        }

    def weekly(self, number: int) -> Weekly | None:
        """The series of 26 weeks."""
        if self._finest > WEEK:
            return None

        def week(name: str) -> list[int] | None:
            found = self._use.weekly.get(name)
            return None if found is None else _list(found[number])

        return {
            "first_day": self._begin,
            "events": _list(self._use.weekly["events"][number]),
            "value_actions": week("value_actions"),
            "visits": week("sessions"),
            "views": week("views"),
            "hours": None if self._hours is None else _list(self._hours[number]),
        }

    def daily(self, number: int) -> Daily | None:
        """The series of 182 days."""
        if self._finest > 1:
            return None
        value, users = self._use.daily.get("value_actions"), self._use.daily["users"]
        return {
            "first_day": self._begin,
            "value_actions": None if value is None else _list(value[number]),
            "active_users": _list(users[number]) if self._use.tells_users else None,
        }

    @cached_property
    def _of_modules(
        self,
    ) -> dict[str, tuple[Ints, Ints | None, Floats | None, list[tuple[int, int]]]]:
        times, views = self._use.module_time, self._use.module_views
        return {
            name: (
                weeks,
                views.get(name),
                _hours(times[name]) if name in times else None,
                _change(weeks),
            )
            for name, weeks in self._use.modules.items()
        }

    def module_list(self, number: int) -> list[Module] | None:
        """The modules, each with what was last seen of its features."""
        if self._finest > WEEK or not self._use.modules:
            return None
        return [
            {
                "module": name,
                "events": _list(events[number]),
                "views": None if views is None else _list(views[number]),
                "hours": None if hours is None else _list(hours[number]),
                "change": _of(*changes[number]),
                "last_use": self._last(last),
                "ever": ever,
            }
            for (name, (events, views, hours, changes)), last, ever in zip(
                self._of_modules.items(),
                self._module_ages[number].tolist(),
                self._module_ever[number].tolist(),
                strict=True,
            )
        ]

    @cached_property
    def _module_ages(self) -> Ints:
        """(accounts, modules): days since a feature of each was used last; 0: not in `DAYS`."""
        ages = np.where(self._use.feature_age > 0, self._use.feature_age, DAYS + 1)
        found = np.full((len(ages), len(self._members)), DAYS + 1, dtype=np.int64)
        for place, own in enumerate(self._members):
            found[:, place] = ages[:, own].min(axis=1, initial=DAYS + 1)
        found[found > DAYS] = 0
        return found

    @cached_property
    def _module_ever(self) -> npt.NDArray[np.bool_]:
        ever = [self._use.feature_ever[:, own].any(axis=1) for own in self._members]
        return np.stack(ever, axis=1)

    @cached_property
    def _members(self) -> list[Ints]:
        """The places of the features of each module."""
        kinds = list(self._use.features.values())
        return [
            np.array([n for n, kind in enumerate(kinds) if kind.module == name], dtype=np.int64)
            for name in self._use.modules
        ]

    def feature_list(self, number: int) -> list[Feature] | None:
        """Every kind of event, in the order of their names."""
        use = self._use
        if self._finest > WEEK or not use.features:
            return None
        return [
            {
                "event": name,
                "module": kind.module,
                "core": kind.core,
                "value_action": kind.value_action,
                "view": kind.view,
                "user_days": _of(sum(weeks[-_MONTH:]), sum(weeks[-2 * _MONTH : -_MONTH])),
                "weeks": weeks,
                "last_use": self._last(age),
                "ever": once,
            }
            for (name, kind), weeks, age, once in zip(
                use.features.items(),
                use.feature_weeks[number].tolist(),
                use.feature_age[number].tolist(),
                use.feature_ever[number].tolist(),
                strict=True,
            )
        ]

    @cached_property
    def _day_of(self) -> list[str | None]:
        """The day of each age; None of 0."""
        ages = range(1, DAYS + 1)
        return [None, *((self._as_of - timedelta(days=age)).isoformat() for age in ages)]

    def _last(self, age: int) -> str | None:
        return self._day_of[int(age)]


def _hours(seconds: Ints | Floats) -> Floats:
    """Hours with two decimals."""
    hours: Floats = np.round(seconds / _HOUR, 2)
    return hours


def _list(values: npt.NDArray[Any]) -> list[Any]:  # Any: whole numbers or not
    found: list[Any] = values.tolist()
    return found


def _change(weeks: Ints) -> list[tuple[int, int]]:
    """Sums of the last window, and of the one before."""
    now = weeks[:, -_MONTH:].sum(axis=1).tolist()
    before = weeks[:, -2 * _MONTH : -_MONTH].sum(axis=1).tolist()
    return list(zip(now, before, strict=True))


def _of(now: float, before: float) -> Change:
    return {"now": round(now, 2), "before": round(before, 2)}


def _per(views: Change | None, visits: Change | None) -> Change | None:
    if views is None or visits is None or not (visits["now"] and visits["before"]):
        return None
    return _of(views["now"] / visits["now"], views["before"] / visits["before"])
