"""``keepwell train``, ``score`` and ``run``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.command.flat import (
    AccountOption,
    ArrOption,
    CompanyOption,
    CurrencyOption,
    DateOption,
    DurationOption,
    FlatArguments,
    FlatForceOption,
    GroupOption,
    HorizonOption,
    LabelOption,
    LeaveOutOption,
    TableOption,
    check_choice,
    train_table,
)
from pipelines.command.opening import print_json, read_company
from pipelines.command.option import (
    AsOfOption,
    BackfillOption,
    ConfigOption,
    DataOption,
    ForceOption,
    JsonOption,
    OptionalConfigOption,
    ReplaceOption,
)

if TYPE_CHECKING:
    from pipelines.backfill import Backfill
    from pipelines.scoring import Published
    from pipelines.training import TrainingRun


def train(  # an argument for each option of the command
    config: OptionalConfigOption = None,
    data: DataOption = None,
    as_of: AsOfOption = None,
    table: TableOption = None,
    label: LabelOption = None,
    account_column: AccountOption = None,
    date_column: DateOption = None,
    group_column: GroupOption = None,
    arr_column: ArrOption = None,
    duration_column: DurationOption = None,
    leave_out: LeaveOutOption = None,
    horizon_days: HorizonOption = 0,
    company: CompanyOption = None,
    currency: CurrencyOption = "USD",
    force: FlatForceOption = False,
    replace: ReplaceOption = False,
    json_: JsonOption = False,
) -> None:
    """Train, judge and promote the models.

    Promoted is what beats chance and the simple baselines beyond noise; all is kept in MLflow. A
    single table of accounts (docs/flat_table.md) is also ranked and published.
    """
    columns = {
        "account": account_column,
        "date": date_column,
        "group": group_column,
        "arr": arr_column,
        "duration": duration_column,
    }
    arguments = FlatArguments(
        table,
        label,
        columns,
        tuple(leave_out or ()),
        horizon_days,
        company,
        currency,
        force=force,
        replace=replace,
    )
    check_choice(config, arguments)
    if config is None:
        train_table(arguments, data, as_of, json_=json_)
        return
    _report(_work(config, data, as_of, training=True, scoring=False), json_=json_)


def score(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    backfill: BackfillOption = 0,
    force: ForceOption = False,
    replace: ReplaceOption = False,
    json_: JsonOption = False,
) -> None:
    """Score all accounts and publish the snapshot.

    One that is too far from what is served is held back, with the reasons (docs/publishing.md).
    """
    done = _work(
        config,
        data,
        as_of,
        training=False,
        scoring=True,
        backfill=backfill,
        force=force,
        replace=replace,
    )
    _report(done, json_=json_)


def run(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    force: ForceOption = False,
    replace: ReplaceOption = False,
    json_: JsonOption = False,
) -> None:
    """Train, then score and publish."""
    done = _work(config, data, as_of, training=True, scoring=True, force=force, replace=replace)
    _report(done, json_=json_)


@dataclass(frozen=True)
class _Done:
    """What a command did."""

    run: TrainingRun | None = None
    published: Published | None = None
    backfill: Backfill | None = None


def _work(
    path: Path,
    data: Path | None,
    as_of: datetime | None,
    *,
    training: bool,
    scoring: bool,
    backfill: int = 0,
    force: bool = False,
    replace: bool = False,
) -> _Done:
    """Train, score or both: as Prefect flows where a server is named, else as plain functions."""
    config = read_company(path, data)
    from pipelines.home import Home
    from pipelines.progress import show_progress
    from pipelines.served import check_served

    home = Home.from_environment()
    if scoring:
        check_served(home, config.company, replace=replace)
    day = as_of.date() if as_of else None
    if os.environ.get("PREFECT_API_URL"):
        from pipelines import flow

        run_ = flow.train(path, data=data, as_of=day) if training else None
        past = flow.backfill(path, data=data, as_of=day, count=backfill) if backfill else None
        if not scoring:
            return _Done(run_)
        published = flow.score(path, data=data, as_of=day, force=force, replace=replace)
        return _Done(run_, published, past)
    from pipelines.backfill import backfill_company
    from pipelines.scoring import score_company
    from pipelines.source import open_company
    from pipelines.training import train_company

    with show_progress() as progress:
        source = open_company(config, home, as_of=day, progress=progress)
        run_ = train_company(config, source, home, progress=progress) if training else None
        if not scoring:
            return _Done(run_)
        past = (
            backfill_company(config, source, home, count=backfill, progress=progress)
            if backfill
            else None
        )
        population, rows = (run_.population, run_.rows) if run_ else (None, None)
        published = score_company(
            config, source, home, population=population, rows=rows, force=force, progress=progress
        )
        return _Done(run_, published, past)


def _report(done: _Done, *, json_: bool) -> None:
    from pipelines.home import Home
    from pipelines.last_verdict import read_refusals, say_missing

    run_, published, past = done.run, done.published, done.backfill
    snapshot = published.snapshot if published else None
    refusals = read_refusals(Home.from_environment(), snapshot.company) if snapshot else None
    if json_:
        found: dict[str, Any] = {}  # Any: a JSON document
        found |= run_.to_json() if run_ else {}
        found |= published.to_json() if published else {}
        found |= past.to_json() if past else {}
        found |= {"notices": say_missing(snapshot.models, refusals)} if snapshot else {}
        print_json(found)
        return
    from pipelines.presentation import make_console, show_moves, show_ranking, show_training

    console = make_console()
    if run_ is not None:
        show_training(console, run_.outcomes)
        show_moves(console, run_.moves)
        for report in run_.reports:
            console.print(f"report: {report / 'report.html'}", markup=False, soft_wrap=True)
    if snapshot is not None:
        show_ranking(console, snapshot, refusals=refusals)
    for line in past.to_lines() if past is not None else ():
        console.print(line, markup=False, soft_wrap=True)
    for reason in published.forced if published is not None else ():
        console.print(f"published by force, against {reason}", markup=False, soft_wrap=True)
