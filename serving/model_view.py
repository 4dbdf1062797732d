"""What the page of the models shows, put together from a snapshot and the cards behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from models.card import Card
from models.snapshot import SnapshotHeader
from models.weak_slice import WeakSlice
from serving.caller import Caller
from serving.cards import Cards
from serving.chart import Chart
from serving.chart_calibration import CalibrationWords, TenthBar, draw_calibration
from serving.entry import Outline
from serving.model_figure import ModelFigures, Tenth, read_figures
from serving.page_language import Language
from serving.portfolio_ledger import Ledger
from serving.selection import Selection
from serving.shelf import Shelf

MODELS = ("renewal", "churn")  # the one that leads first
MOST_REASONS = 8
# Slices of today's accounts that can be told from what a snapshot holds.
TOLD = ("segment", "account_tier", "region")
Standing = Literal["served", "withdrawn", "replaced", "backfilled"]


class Money(NamedTuple):
    """Accounts of today, and their ARR; None where none is known."""

    accounts: int
    arr: float | None


class WeakRow(NamedTuple):
    """A weak slice, and what of today's accounts lies in it; None where that cannot be told."""

    slice: WeakSlice
    today: Money | None


class FirstReason(NamedTuple):
    """A feature that stands first among the reasons of some accounts."""

    feature: str
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPart:
    """One model of a snapshot.

    Parameters
    ----------
    name : str
    use : mapping or None
        As in `Snapshot.models`; None where none was promoted.
    standing : str
        ``withdrawn``: nothing is promoted any more; ``replaced``: another version; ``backfilled``:
        it was made for a past date.
    next_version : str or None
        What the next scores are made by, where that is another one.
    card : Card or None
        None where it is not kept on this machine.
    figures : ModelFigures or None
        None without a card, and for readers who see a part of the accounts.
    chart : Chart or None
        Of its tenths.
    weak : tuple of WeakRow
    today : Money
        Accounts that it speaks of, of those that the reader sees.
    reasons : tuple of FirstReason
        Of these accounts, the most first.
    groups : tuple of (str, int)
        Features that it reads, by group.
    created_at : datetime or None
        When it was trained.
    last_day : date or None
        Of its data.
    """

    name: str
    use: Mapping[str, object] | None
    standing: Standing
    next_version: str | None
    card: Card | None
    figures: ModelFigures | None
    chart: Chart | None
    weak: tuple[WeakRow, ...]
    today: Money
    reasons: tuple[FirstReason, ...]
    groups: tuple[tuple[str, int], ...]
    created_at: datetime | None
    last_day: date | None


def view_models(
    shelf: Shelf,
    cards: Cards,
    ledger: Ledger,
    caller: Caller,
    language: Language,
    *,
    is_stale: bool,
) -> dict[str, object]:
    """What the template shows; blocks on the store and the disk.

    Parameters
    ----------
    shelf : Shelf
        The snapshot.
    cards : Cards
    ledger : Ledger
        For what features are called.
    caller : Caller
        Who reads it: figures of all accounts are told to who sees all, as by the API.
    language : Language
    is_stale : bool
        Whether the snapshot is older than it should get.
    """
    accounts = [*shelf.outlines(Selection(), caller.row_filter)]
    sees_all = caller.row_filter.is_everything
    known = shelf.header.models
    names = [one for one in MODELS if one in known] + sorted(known.keys() - set(MODELS))
    return {
        "header": shelf.header,
        "is_stale": is_stale,
        "sees_all": sees_all,
        "phrases": ledger.phrases(shelf.header, language),
        "parts": [
            _make_part(shelf.header, cards, name, accounts, language, sees_all=sees_all)
            for name in names
        ],
    }


def _make_part(
    header: SnapshotHeader,
    cards: Cards,
    name: str,
    accounts: Sequence[Outline],
    language: Language,
    *,
    sees_all: bool,
) -> ModelPart:
    use, card = header.models[name], cards.read(header, name)
    own = [one for one in accounts if one.basis == name]
    standing, following = _stand(header, cards, name, card)
    figures = read_figures(card) if card and sees_all else None
    weak = figures.weak.found if figures else ()
    drivers = Counter(one.top_driver for one in own if one.top_driver)
    groups = Counter(feature.group for feature in card.features if feature.group) if card else {}
    return ModelPart(
        name=name,
        use=use,
        standing=standing,
        next_version=following,
        card=card,
        figures=figures,
        chart=_draw(name, figures.tenths, language) if figures and figures.tenths else None,
        weak=tuple(WeakRow(one, _count_slice(own, one)) for one in weak),
        today=_count(own),
        reasons=tuple(FirstReason(*one) for one in drivers.most_common(MOST_REASONS)),
        groups=tuple(sorted(groups.items(), key=lambda item: (-item[1], item[0]))),
        created_at=_read_moment(use, card),
        last_day=card.data_end - timedelta(1) if card and card.data_end else None,
    )


def _stand(
    header: SnapshotHeader, cards: Cards, name: str, card: Card | None
) -> tuple[Standing, str | None]:
    """What became of a model since the snapshot was published, and what is promoted instead."""
    use = header.models[name]
    if use is not None and use.get("backfilled"):
        return "backfilled", None
    pointer = cards.promoted(header, name)
    if use is None:
        return "served", pointer.version if pointer else None
    # Where its bundle is not kept, neither is what would tell that it was withdrawn.
    if card is None or pointer is None or pointer.version == use.get("version"):
        return "served", None
    return ("withdrawn", None) if pointer.version is None else ("replaced", pointer.version)


def _read_moment(use: Mapping[str, object] | None, card: Card | None) -> datetime | None:
    if card is not None:
        return card.created_at
    told = use.get("created_at") if use else None
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _count_slice(accounts: Sequence[Outline], found: WeakSlice) -> Money | None:
    if found.column not in TOLD:
        return None
    return _count([one for one in accounts if getattr(one, found.column) == found.value])


def _count(accounts: Sequence[Outline]) -> Money:
    amounts = [one.arr for one in accounts if one.arr is not None]
    return Money(len(accounts), math.fsum(amounts) if amounts else None)


def _draw(name: str, tenths: Sequence[Tenth], language: Language) -> Chart:
    text, formats = language.text, language.formats
    agree = sum(one.agrees for one in tenths)
    words = CalibrationWords(
        title=text("Expected and lost, by tenths of the chance"),
        summary=text("In %(agree)s of %(all)s tenths what was lost agrees with what was expected.")
        % {"agree": agree, "all": len(tenths)},
        columns=(
            text("Tenth, lowest chance first"),
            text("Cases"),
            text("Expected share"),
            text("Share lost"),
            text("Its interval"),
        ),
        write=formats.share,
    )
    bars = [
        TenthBar(
            str(number), one.expected, one.came.value, one.came.low, one.came.high,
            formats.count(one.rows),
        )
        for number, one in enumerate(tenths, 1)
    ]  # fmt: skip
    return draw_calibration(f"tenths-{name}", bars, words)
