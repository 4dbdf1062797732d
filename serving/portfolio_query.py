"""What the address of the portfolio page asks for, and addresses that ask for something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal, cast, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from models.account_score import STATES, TIERS, State, Tier
from models.row_filter import FIELDS, RowFilter
from models.search import fold
from models.snapshot_check import ID_LENGTH
from serving.page_language import PARAMETER
from serving.parameter import MOST_VALUES
from serving.problem import FieldFault, RequestError, field_fault
from serving.selection import PAGE_SORTS, PageSort, Selection, Sort

GroupBy = Literal["parent", "owner"]
DAYS = (7, 30, 60, 90, 180)  # offered; the address takes any of `DAY_RANGE`
DAY_RANGE = range(1, 1096)
PASSED = "passed"
UNSCORED = "no"
MOST_PAGES = 100_000
FIRST_SORT: PageSort = "open"
LISTS = (*FIELDS, "risk_tier", "state", "warning")
SINGLES = ("decides", "scored", "q", "sort", "group_by", "page", PARAMETER)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioQuery:
    """What is asked for, checked.

    Parameters
    ----------
    lists : mapping of str to tuple of str
        Values by filter of `LISTS`, only where there are any.
    decides : int or str or None
        Days in which a decision is due; ``passed`` for those whose day has passed.
    unscored : bool
        Only accounts without a probability that others like them have.
    search : str
        As typed.
    sort : str
    group_by : str or None
    page : int
        From 1.
    """

    lists: Mapping[str, tuple[str, ...]]
    decides: int | Literal["passed"] | None = None
    unscored: bool = False
    search: str = ""
    sort: Sort | PageSort = FIRST_SORT
    group_by: GroupBy | None = None
    page: int = 1

    def select(self, as_of: date | None) -> Selection:
        """The accounts that are asked for; without an as-of date no day is near or past."""
        after = before = None
        if as_of is not None and self.decides == PASSED:
            before = as_of
        elif as_of is not None and isinstance(self.decides, int):
            after, before = as_of - timedelta(1), as_of + timedelta(self.decides + 1)
        states: tuple[State, ...] = tuple(one for one in STATES if one in self._get("state"))
        tiers: tuple[Tier, ...] = tuple(one for one in TIERS if one in self._get("risk_tier"))
        return Selection(
            of=RowFilter({name: self.lists[name] for name in FIELDS if name in self.lists}),
            risk_tier=tiers,
            state=states or (("to_decide",) if self.decides else ()),
            decision_after=after,
            decision_before=before,
            search=fold(self.search),
            warning=self._get("warning"),
            unscored=self.unscored,
            sort=self.sort,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether anything narrows the list."""
        return bool(self.lists or self.decides or self.unscored or self.search)

    def link(self, path: str = "/", **changes: Any) -> str:  # Any: of the fields or lists
        """The address of the same list with some parts changed, from its first page.

        A filter of `LISTS` takes one value, several, or None for none; the rest are fields.
        """
        lists = dict(self.lists)
        for name in LISTS:
            if name in changes:
                given = changes.pop(name)
                several = given if isinstance(given, tuple) else (given,)
                lists[name] = () if given is None else several
        kept = {name: values for name, values in lists.items() if values}
        return replace(self, **{"page": 1, **changes, "lists": kept}).write(path)

    def write(self, path: str) -> str:
        """The address of this list."""
        pairs = self.fields
        return f"{path}?{urlencode(pairs)}" if pairs else path

    @property
    def fields(self) -> list[tuple[str, str]]:
        """What the address of this list asks for, by name."""
        pairs = [(name, one) for name in LISTS for one in self.lists.get(name, ())]
        optional: dict[str, object] = {
            "decides": self.decides,
            "scored": UNSCORED if self.unscored else None,
            "q": self.search or None,
            "sort": None if self.sort == FIRST_SORT else self.sort,
            "group_by": self.group_by,
            "page": None if self.page == 1 else self.page,
        }
        return [*pairs, *((name, str(one)) for name, one in optional.items() if one is not None)]

    def _get(self, name: str) -> tuple[str, ...]:
        return self.lists.get(name, ())


def read_query(params: QueryParams) -> PortfolioQuery:
    """What an address asks for; fields of the form that were left empty ask for nothing.

    Raises
    ------
    RequestError
        It has parameters or values that there are not: passed over they would show every account.
    """
    given = [(name, value.strip()) for name, value in params.multi_items()]
    faults = [
        field_fault(("query", name[:100]), "Not a parameter of this page")
        for name, _ in given
        if name not in LISTS and name not in SINGLES
    ]
    lists: dict[str, tuple[str, ...]] = {}
    for name in LISTS:
        values = tuple(dict.fromkeys(value for one, value in given if one == name and value))
        if values:
            lists[name] = values
            faults += _check_list(name, values)
    single = {name: value for name, value in given if name in SINGLES and value}
    faults += _check_singles(single)
    if faults:
        raise RequestError.of_fields(faults[:10])
    return PortfolioQuery(
        lists=lists,
        decides=_read_days(single.get("decides")),
        unscored="scored" in single,
        search=single.get("q", ""),
        sort=cast(Sort | PageSort, single.get("sort", FIRST_SORT)),  # both were checked
        group_by=cast(GroupBy | None, single.get("group_by")),
        page=int(single.get("page", "1")),
    )


def _read_days(text: str | None) -> int | Literal["passed"] | None:
    if text is None or text == PASSED:
        return None if text is None else "passed"
    return int(text)


def _check_list(name: str, values: tuple[str, ...]) -> list[FieldFault]:
    known = {"risk_tier": TIERS, "state": STATES}.get(name)
    if len(values) > MOST_VALUES:
        return [field_fault(("query", name), f"At most {MOST_VALUES} values")]
    if known is not None and not set(values) <= set(known):
        return [field_fault(("query", name), f"One of {', '.join(known)}")]
    if any(len(value) > ID_LENGTH or "\x00" in value for value in values):
        return [field_fault(("query", name), f"At most {ID_LENGTH} characters, none of them NUL")]
    return []


def _check_singles(single: Mapping[str, str]) -> list[FieldFault]:
    found = []
    for name, value in single.items():
        rule = _find_fault(name, value)
        if rule is not None:
            found.append(field_fault(("query", name), rule))
    return found


def _find_fault(name: str, value: str) -> str | None:
    """What is wrong with the value of a parameter; None when nothing is."""
    match name:
        case "decides" if value != PASSED and not _is_whole(value, DAY_RANGE):
            return f"A number of days from {DAY_RANGE[0]} to {DAY_RANGE[-1]}, or {PASSED}"
        case "page" if not _is_whole(value, range(1, MOST_PAGES + 1)):
            return f"A number from 1 to {MOST_PAGES}"
        case "scored" if value != UNSCORED:
            return f"Must be {UNSCORED}"
        case "sort" if value not in PAGE_SORTS:
            return f"One of {', '.join(PAGE_SORTS)}"
        case "group_by" if value not in get_args(GroupBy):
            return f"One of {', '.join(get_args(GroupBy))}"
        case "q" if len(value) > ID_LENGTH or "\x00" in value:
            return f"At most {ID_LENGTH} characters, none of them NUL"
    return None


def _is_whole(value: str, allowed: range) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 6 and int(value) in allowed
