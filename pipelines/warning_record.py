"""What the early warnings of a company were worth in the past, for the backtest and the pages."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from features.catalogue import Catalogue
from features.dataset import Dataset, ModelName
from features.loss import read_losses
from features.source import Source
from models.warning import watched_rows
from models.warning_record import (
    SPAN_DAYS,
    HeldRules,
    RuleRecord,
    WarningRecord,
    hold_rules,
    record_warnings,
)
from models.warning_rule import RuleBook, plan_rules
from pipelines.config import Config
from pipelines.home import Home

DOCUMENT = "warning_record"


def judge_warnings(
    config: Config, source: Source, datasets: Mapping[ModelName, Dataset]
) -> WarningRecord | None:
    """How every rule did on the whole grid; None without any rows.

    Parameters
    ----------
    config : Config
    source : Source
        Its connection holds the rows of these datasets, as `build_datasets` leaves them.
    datasets : mapping of model name to Dataset
    """
    catalogue = next((found.catalogue for found in datasets.values()), None)
    if catalogue is None:
        return None
    return _judge(config, source, *_hold(config, catalogue, datasets))


def _hold(
    config: Config, catalogue: Catalogue, datasets: Mapping[ModelName, Dataset]
) -> tuple[RuleBook, HeldRules]:
    book = plan_rules(config, catalogue, config.warnings)
    return book, hold_rules(book, watched_rows(datasets))


def _judge(config: Config, source: Source, book: RuleBook, held: HeldRules) -> WarningRecord:
    losses, wait = read_losses(source)
    return record_warnings(
        book,
        held,
        losses,
        mature_until=pd.Timestamp(source.data_end) - pd.Timedelta(days=SPAN_DAYS + wait),
        runs_to_close=config.warnings.runs_to_close,
    )


def keep_record(
    home: Home, config: Config, source: Source, datasets: Mapping[ModelName, Dataset]
) -> HeldRules | None:
    """Judge the warnings, and write it down for the score runs that follow a training.

    Returns
    -------
    HeldRules or None
        Where each rule stood; None without any rows.
    """
    catalogue = next((found.catalogue for found in datasets.values()), None)
    if catalogue is None:
        return None
    book, held = _hold(config, catalogue, datasets)
    found = _judge(config, source, book, held)
    path = _path(home, config.company)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(found.to_json()), encoding="utf-8")
    fresh.replace(path)
    return held


def read_record(home: Home, company: str) -> dict[str, Any] | None:  # Any: JSON
    """What the last training wrote down; None when there was none in this home."""
    path = _path(home, company)
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def show_record(console: Console, found: WarningRecord) -> None:
    """The rules as people read them, and those that are off with their reasons.

    Parameters
    ----------
    console : Console
    found : WarningRecord
    """
    table = Table(title=f"early warnings, {_base(found)}", title_justify="left")
    table.add_column("")
    columns = ("warnings", "a loss followed", "losses preceded", "days ahead", "accounts")
    for title in columns:
        table.add_column(title, justify="right")
    for name, record in found.rules.items():
        table.add_row(f"{name} ({record.severity})" if record.severity else name, *_cells(record))
    console.print(table)
    for name, reason in found.off.items():
        console.print(f"  - {name} is off: {reason}", markup=False)


def _base(found: WarningRecord) -> str:
    if found.base_rate is None:
        return "no as-of date is old enough to know what followed"
    return f"where {100 * found.base_rate:.0f} % of all accounts leave within {SPAN_DAYS} days"


def _cells(record: RuleRecord) -> tuple[str, ...]:
    return (
        f"{record.warnings:,}",
        _share(record.followed, record.warnings),
        _share(record.preceded, record.losses),
        "" if record.days_ahead is None else f"{record.days_ahead:.0f}",
        f"{100 * record.standing:.1f} %",
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} % of {whole:,}" if whole else ""


def _path(home: Home, company: str) -> Path:
    return home.folder / "reports" / company / "warning_record.json"
