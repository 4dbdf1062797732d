"""``keepwell train``, ``score`` and ``run``."""

from __future__ import annotations

import os
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
    ConfigOption,
    DataOption,
    ForceOption,
    JsonOption,
    OptionalConfigOption,
    ReplaceOption,
)

if TYPE_CHECKING:
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
    run_, _ = _work(config, data, as_of, training=True, scoring=False)
    _report(run_, None, json_=json_)


def score(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    force: ForceOption = False,
    replace: ReplaceOption = False,
    json_: JsonOption = False,
) -> None:
    """Score all accounts and publish the snapshot.

    One that is too far from what is served is held back, with the reasons (docs/publishing.md).
    """
    _, published = _work(
        config, data, as_of, training=False, scoring=True, force=force, replace=replace
    )
    _report(None, published, json_=json_)


def run(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    force: ForceOption = False,
    replace: ReplaceOption = False,
    json_: JsonOption = False,
) -> None:
    """Train, then score and publish."""
    run_, published = _work(
        config, data, as_of, training=True, scoring=True, force=force, replace=replace
    )
    _report(run_, published, json_=json_)


def _work(
    path: Path,
    data: Path | None,
    as_of: datetime | None,
    *,
    training: bool,
    scoring: bool,
    force: bool = False,
    replace: bool = False,
) -> tuple[TrainingRun | None, Published | None]:
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
        if not scoring:
            return run_, None
        return run_, flow.score(path, data=data, as_of=day, force=force, replace=replace)
    from pipelines.scoring import score_company
    from pipelines.source import open_company
    from pipelines.training import train_company

    with show_progress() as progress:
        source = open_company(config, home, as_of=day, progress=progress)
        run_ = train_company(config, source, home, progress=progress) if training else None
        if not scoring:
            return run_, None
        population = run_.population if run_ else None
        published = score_company(
            config, source, home, population=population, force=force, progress=progress
        )
        return run_, published


def _report(run_: TrainingRun | None, published: Published | None, *, json_: bool) -> None:
    from pipelines.home import Home
    from pipelines.last_verdict import read_refusals, say_missing

    snapshot = published.snapshot if published else None
    refusals = read_refusals(Home.from_environment(), snapshot.company) if snapshot else None
    if json_:
        found: dict[str, Any] = {}  # Any: a JSON document
        found |= run_.to_json() if run_ else {}
        found |= published.to_json() if published else {}
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
    for reason in published.forced if published is not None else ():
        console.print(f"published by force, against {reason}", markup=False, soft_wrap=True)
