"""The revenue forecast of a company: today's quarters, and the same replayed at past dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.due import read_book, read_past_terms
from features.errors import InputError, Problem
from features.progress import Progress, Step, silent
from features.source import Source
from models.book import Book, in_forecast, make_book
from models.forecast import Flows, Rates, draw_flows, learn_rates
from models.forecast_backtest import Miss, compare, replay, summarise, widen
from models.forecast_report import Counted, ForecastReport, Quarter, describe_rates
from models.past_term import Kinds, month_number, read_past
from models.retention import MEASURES, Outlook, look_ahead, measure
from pipelines.config import Config
from pipelines.forecast_voice import ModelVoice

# A replay says something of the method once rates can be learnt: a quarter of ends, some lost.
LEAST_DAYS, LEAST_TERMS, LEAST_LOST = 90, 30, 5
TOLD = 20  # times at most that the draws tell how far they are
_QUARTER = pd.DateOffset(months=3)
_EVERY_MONTH, _QUARTER_STARTS = frozenset(range(1, 13)), frozenset({1, 4, 7, 10})
_TREATED = {"notice_given": "lost", "successor_signed": "renewed", "auto_renewed": "auto_renewed"}


@dataclass(frozen=True)
class Effort:
    """How much is drawn: courses of today's forecast and of each replay, and how many replays.

    ``quarter_starts``: whether only these are replayed, not all month starts.
    """

    draws: int = 2000
    replay_draws: int = 300
    origins: int = 24
    quarter_starts: bool = False


FULL = Effort()


@dataclass(frozen=True, eq=False)
class _Tables:
    """The books of all dates, past terms in hindsight, and what the model says on each date."""

    books: pd.DataFrame
    past: pd.DataFrame
    model: ModelVoice

    def book(self, day: date) -> pd.DataFrame:
        return self.books[self.books["as_of"] == pd.Timestamp(day)]

    def known(self, day: date) -> pd.DataFrame:
        """Past terms whose outcome was known on the day."""
        return _mature(self.past, day)


def forecast_with(
    ask: Callable[[Sequence[date]], ModelVoice],
    config: Config,
    source: Source,
    *,
    quarters: int = 4,
    effort: Effort = FULL,
    progress: Progress = silent,
) -> ForecastReport:
    """What the coming quarters bring, with intervals, and how such forecasts fared before.

    Parameters
    ----------
    ask : callable
        From the dates of the replays to what a model says on them and on the as-of date.
    config : Config
    source : Source
        Opened as of the as-of date.
    quarters : int
        Calendar quarters, the first one from the as-of date to its end.
    effort : Effort
    progress : callable

    Raises
    ------
    InputError
        When no contract has an agreed end, no money is known, or no renewal has matured.
    """
    as_of, grace = source.data_end, source.settings.grace_days
    if not source.has("contracts"):
        raise _refusal("contracts", "", "is missing: nothing comes up for renewal", "add its query")
    progress("reading what became of past terms")
    past = read_past_terms(source)
    origins = _origins(past, as_of, grace_days=grace, effort=effort)
    books = read_book(source, [*origins, as_of])
    _check(books[books["as_of"] == pd.Timestamp(as_of)], _mature(past, as_of), as_of)
    tables = _Tables(books, past, ask(origins))
    # On a busy machine BLAS on all cores takes far longer, and it sums in another order.
    with threadpool_limits(config.training.threads, user_api="blas"):
        return _forecast(
            config, source, tables, origins, quarters=quarters, effort=effort, progress=progress
        )


def _forecast(
    config: Config,
    source: Source,
    tables: _Tables,
    origins: Sequence[date],
    *,
    quarters: int,
    effort: Effort,
    progress: Progress,
) -> ForecastReport:
    """Replays and today's draws, from tables that were read."""
    as_of, grace = source.data_end, source.settings.grace_days
    misses: list[Miss] = []
    for number, origin in enumerate(origins, start=1):
        words = f"forecast replayed as of {origin} ({number} of {len(origins)})"
        progress(Step("replays", words, (number - 1) / len(origins)))
        misses += _replay(
            tables,
            origin,
            draws=effort.replay_draws,
            seed=config.training.seed,
            grace_days=grace,
            data_end=as_of,
        )
    spans = calendar_quarters(as_of, quarters)
    drawn = _draw(
        tables,
        as_of,
        [end for _, end in spans],
        draws=effort.draws,
        seed=config.training.seed,
        progress=_show_draws(progress, effort.draws, quarters),
    )
    return _report(config, tables, misses, drawn, as_of=as_of, origins=origins, spans=spans)


def _mature(past: pd.DataFrame, day: date) -> pd.DataFrame:
    moment = pd.Timestamp(day)
    return past[(past["known_at"] <= moment) & (past["known_day"] < moment)]


def _check(book: pd.DataFrame, past: pd.DataFrame, as_of: date) -> None:
    """Refuse what no forecast can be made of."""
    if book["end_date"].isna().all():
        rule = f"no contract that runs on {as_of} has an agreed end: none comes up for renewal"
        raise _refusal("contracts", "end_date", rule, "map the agreed end, or term_months")
    if book["arr"].isna().all():
        rule = "no money is known: a forecast of revenue needs ARR or MRR"
        raise _refusal("contracts", "arr", rule, "map arr or mrr in tables.contracts")
    if not in_forecast(book).any():
        rule = f"no contract that runs on {as_of} has both an agreed end and an ARR"
        raise _refusal("contracts", "arr", rule, "map arr or mrr in tables.contracts")
    if past.empty:
        rule = f"no renewal has matured by {as_of}: there are no rates to go by"
        raise _refusal("contracts", "", rule, "give a longer history of contracts")


def _refusal(table: str, column: str, rule: str, remedy: str) -> InputError:
    return InputError([Problem(table, column, rule, remedy=remedy)])


def _origins(past: pd.DataFrame, as_of: date, *, grace_days: int, effort: Effort) -> list[date]:
    """The last starts of months with enough past terms and at least one mature quarter after."""
    if past.empty:
        return []
    found = []
    starts = "QS" if effort.quarter_starts else "MS"
    for day in pd.date_range(past["end_date"].min(), as_of, freq=starts):
        origin = day.date()
        known = _mature(past, origin)
        enough = len(known) >= LEAST_TERMS and known["successor_id"].isna().sum() >= LEAST_LOST
        old = enough and (day - known["end_date"].min()).days >= LEAST_DAYS
        if old and _mature_ends(origin, grace_days=grace_days, data_end=as_of):
            found.append(origin)
    return found[-effort.origins :]


def _mature_ends(origin: date, *, grace_days: int, data_end: date) -> list[date]:
    """Ends of up to four quarters of which everything is known by the data's end."""
    ends = [(pd.Timestamp(origin) + _QUARTER * count).date() for count in range(1, 5)]
    return [end for end in ends if end + timedelta(days=grace_days) <= data_end]


def _show_draws(progress: Progress, draws: int, quarters: int) -> Callable[[float], None]:
    """A progress of the draws, told in twentieths: they take the longest."""
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        if int(TOLD * share) > told:
            told = int(TOLD * share)
            words = f"drawn {draws * share:,.0f} of {draws:,} courses of {quarters} quarters"
            progress(Step("draws", words, share))

    return tell


def _draw(
    tables: _Tables,
    day: date,
    ends: Sequence[date],
    *,
    draws: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[Book, Rates, Flows]:
    """The forecast of one date from what was known on it."""
    past = read_past(tables.known(day))
    book = make_book(tables.book(day), past, loss=tables.model.loss.get(day))
    rates = learn_rates(past)
    flows = draw_flows(book, rates, _numbers(ends), draws=draws, seed=seed, progress=progress)
    return book, rates, flows


def _replay(
    tables: _Tables, origin: date, *, draws: int, seed: int, grace_days: int, data_end: date
) -> list[Miss]:
    ends = _mature_ends(origin, grace_days=grace_days, data_end=data_end)
    if not in_forecast(tables.book(origin)).any():
        return []
    book, _, said = _draw(tables, origin, ends, draws=draws, seed=seed)
    came = replay(book, tables.past, _numbers(ends))
    return compare(origin, [end + timedelta(days=grace_days) for end in ends], said, came)


def _numbers(ends: Sequence[date]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return month_number(pd.Series(pd.to_datetime(list(ends))))


def calendar_quarters(as_of: date, count: int) -> list[tuple[date, date]]:
    """Begin and end (exclusive) of the coming calendar quarters; the first begins on the date."""
    starts = pd.period_range(pd.Timestamp(as_of), periods=count + 1, freq="Q").start_time
    days = [as_of, *(start.date() for start in starts[1:])]
    return list(pairwise(days))


def _report(
    config: Config,
    tables: _Tables,
    misses: Sequence[Miss],
    drawn: tuple[Book, Rates, Flows],
    *,
    as_of: date,
    origins: Sequence[date],
    spans: Sequence[tuple[date, date]],
) -> ForecastReport:
    book, rates, flows = drawn
    measures = measure(flows)

    def look(name: str, quarter: int) -> Outlook:
        outlook = look_ahead(measures[name][:, quarter])
        return widen(outlook, name, quarter + 1, day=as_of, misses=misses)

    frame = tables.book(as_of)
    inside = frame[in_forecast(frame)]
    return ForecastReport(
        company=config.company,
        currency=config.currency,
        as_of=as_of,
        basis="model_and_rates" if tables.model.speaks else "rates",
        basis_reason=tables.model.reason,
        quarters=tuple(
            Quarter(
                begin,
                end,
                float(flows.contracts[:, place].mean()),
                {name: look(name, place) for name in MEASURES},
            )
            for place, (begin, end) in enumerate(spans)
        ),
        horizon=_horizon(book, flows, misses, as_of=as_of),
        contracts=_counts(frame, book, rates.past.kinds),
        rates=describe_rates(rates.past),
        parent_spread=rates.loss.parent_spread,
        quarter_spread=rates.loss.quarter_spread,
        accounts=int(inside["account_id"].nunique()),
        parents=int(inside["group_id"].nunique()),
        origins=tuple(origins),
        origins_by_model=sum(origin in tables.model.loss for origin in origins),
        by_quarter=tuple(summarise(misses, months=_QUARTER_STARTS)),
        by_month=tuple(summarise(misses, months=_EVERY_MONTH)),
    )


def _horizon(
    book: Book, flows: Flows, misses: Sequence[Miss], *, as_of: date
) -> dict[str, Outlook]:
    """All quarters together: of the ARR on the as-of date, what is left at the end."""
    opening, last = book.arr.sum(), flows.up.shape[1]
    draws = {
        "grr_of_opening": flows.held / opening if opening else np.full(len(flows.held), np.nan),
        "nrr_of_opening": flows.closing / opening if opening else np.full(len(flows.held), np.nan),
    }
    found = {
        name: widen(look_ahead(values), name, last, day=as_of, misses=misses)
        for name, values in draws.items()
    }
    closing = look_ahead(flows.closing)
    return {
        **found,
        "closing_arr": Outlook(
            closing.expected,
            {
                level: (low * opening, high * opening)
                for level, (low, high) in found["nrr_of_opening"].intervals.items()
            },
        ),
    }


def _counts(frame: pd.DataFrame, book: Book, kinds: Kinds) -> dict[str, Counted]:
    """How each contract of the book is treated; those left out are counted too."""
    inside = in_forecast(frame)
    chosen = frame[inside].reset_index(drop=True)
    by_model, unseen = np.isfinite(book.loss), len(kinds.names) - 1
    is_open = (chosen["fate"] == "open").to_numpy(dtype=np.bool_)
    parts: Mapping[str, pd.DataFrame] = {
        "by_model": chosen[is_open & by_model],
        "by_rates": chosen[is_open & ~by_model],
        "by_rates_of_other_kinds": chosen[is_open & ~by_model & (book.kind == unseen)],
        **{name: chosen[chosen["fate"] == fate] for name, fate in _TREATED.items()},
        "superseded": frame[frame["fate"] == "superseded"],
        "no_agreed_end": frame[frame["fate"] == "no_end"],
        "arr_unknown": frame[~inside & ~frame["fate"].isin(["superseded", "no_end"])],
    }
    return {name: Counted(len(part), _whole(part["arr"])) for name, part in parts.items()}


def _whole(arr: pd.Series[float]) -> float | None:
    """The sum; null where a part is not known."""
    return None if arr.isna().any() else float(arr.sum())
