"""What the pages show beside the scores, put into a snapshot before it is published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from features.contract import build_rates
from features.life import STAGES, read_lives, tells_contacts
from features.progress import Progress, silent
from features.source import Source
from features.term import build_known_terms
from models.account_score import STATES_AT_RISK, AccountScore
from models.board import Board, Change
from models.growth import GrowthReason, find_growth
from models.life import Life
from models.snapshot import Snapshot
from models.store_row import pack_quickly
from pipelines.board import build_boards
from pipelines.config import Config
from pipelines.population import Population
from pipelines.snapshot_forecast import forecast_document

_SHOWN = ("parent_id", "segment", "account_tier", "region", "owner")


def add_pages(
    snapshot: Snapshot,
    config: Config,
    source: Source,
    population: Population,
    *,
    progress: Progress = silent,
) -> Snapshot:
    """The snapshot with boards, lives, accounts ready to grow and the forecast.

    Parameters
    ----------
    snapshot : Snapshot
    config : Config
    source : Source
        Opened as of the population's as-of date.
    population : Population
        Whose accounts the snapshot holds.
    progress : callable
    """
    as_of = population.as_of
    progress("reading what the pages show")
    prepare_tables(source, as_of)
    lives = {life.account_id: life for life in read_all_lives(source, as_of)}
    found = build_boards(source, as_of, [score.account_id for score in snapshot.scores], lives)
    scores, boards = [], {}
    for score, (account, board) in zip(snapshot.scores, found.each, strict=True):
        if found.modules and account in lives:
            lives[account] = _with_modules(lives[account], board)
        scores.append(replace(score, growth=ready_to_grow(score, board)))
        boards[account] = pack_quickly(board)
    document = forecast_document(config, source, snapshot.scores, progress=progress)
    return replace(
        snapshot,
        scores=tuple(scores),
        boards={**snapshot.boards, **boards},
        lives=tuple(lives.values()),
        documents={**snapshot.documents, "forecast": document},
    )


def collect_phrases(population: Population) -> dict[str, Any]:  # Any: JSON
    """What is said of each feature before values are filled in, for pages in other languages."""
    return {
        feature.name: feature.phrases.to_json()
        for dataset in population.datasets.values()
        for feature in dataset.catalogue.features
        if feature.phrases is not None
    }


def prepare_tables(source: Source, as_of: date) -> None:
    """Contracts and rates as known on the date, whatever was asked of the tables before."""
    if source.has("contracts"):
        source.connection.execute(
            f"CREATE OR REPLACE TABLE as_of_date AS SELECT DATE '{as_of}' AS as_of"
        )
        build_known_terms(source.connection, grace_days=source.settings.grace_days)
        build_rates(source.connection, source.settings)


def read_all_lives(source: Source, as_of: date) -> Iterable[Life]:
    """Every life, by account id, without what is known of modules."""
    told = tells_contacts(source)
    frame = read_lives(source, as_of)
    for row in frame.to_dict("records"):
        yield Life(
            account_id=str(row["account_id"]),
            **{name: row[name] for name in _SHOWN},
            started_on=_day(row["started_on"]),
            left_on=None if pd.isna(row["left_on"]) else _day(row["left_on"]),
            arr=None if pd.isna(row["arr"]) else float(row["arr"]),
            value_by_day_30=_flag(row["value_by_day_30"]),
            value_by_day_90=_flag(row["value_by_day_90"]),
            contacts={
                stage: (int(row[f"{stage}_contacts"]), int(row[f"{stage}_weeks"]))
                for stage in STAGES
            }
            if told
            else None,
        )


def _day(moment: pd.Timestamp) -> date:
    return moment.date()


def _flag(cell: Any) -> bool | None:  # Any: a cell of pandas
    return None if pd.isna(cell) else bool(cell)


def _with_modules(life: Life, board: Board) -> Life:
    if board["modules"] is None or life.left_on is not None:
        return life
    return replace(
        life,
        modules_used=tuple(one["module"] for one in board["modules"] if one["change"]["now"]),
        modules_tried=tuple(one["module"] for one in board["modules"] if one["ever"]),
    )


def ready_to_grow(score: AccountScore, board: Board) -> tuple[GrowthReason, ...]:
    """Why an account is ready to grow; nobody is whose loss is likely, or not to be told.

    Parameters
    ----------
    score : AccountScore
    board : Board
        Of the account.
    """
    if score.state not in STATES_AT_RISK or score.abstained or score.risk_tier == "high":
        return ()
    company, modules = board["company"], board["modules"]
    if company is None:
        return ()
    return find_growth(
        seats_used=_seats_used(company["active_users"], company["seats"]),
        modules_used=None if not modules else _share_used([one["change"] for one in modules]),
        health=None if score.health is None else score.health.score,
        change=_relative(company["value_actions"] or company["events"]),
    )


def _seats_used(active: Change | None, seats: float | None) -> float | None:
    return round(active["now"] / seats, 4) if active is not None and seats else None


def _share_used(changes: list[Change]) -> float:
    return round(sum(change["now"] > 0 for change in changes) / len(changes), 4)


def _relative(change: Change) -> float | None:
    before = change["before"]
    return round(change["now"] / before - 1, 4) if before else None
