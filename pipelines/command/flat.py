"""``keepwell train --table``: one flat table instead of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.command.opening import print_json

if TYPE_CHECKING:
    from pipelines.flat import FlatRun

TableOption = Annotated[
    Path | None, typer.Option("--table", help="One CSV or Parquet file, instead of --config.")
]
LabelOption = Annotated[
    str | None, typer.Option("--label", help="Its column: 1 left, 0 stayed, empty: to be ranked.")
]
AccountOption = Annotated[
    str | None, typer.Option("--account-column", help="Account ids; default: account_id.")
]
DateOption = Annotated[
    str | None,
    typer.Option("--date-column", help="Values were known before this day; default: as_of."),
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group-column", help="Accounts that belong together; default: parent_id."),
]
ArrOption = Annotated[
    str | None, typer.Option("--arr-column", help="Annual recurring revenue; default: arr.")
]
DurationOption = Annotated[
    str | None, typer.Option("--duration-column", help="Time until loss or the data's end.")
]
LeaveOutOption = Annotated[
    list[str] | None, typer.Option("--leave-out", help="Column that is no feature; repeatable.")
]
HorizonOption = Annotated[
    int, typer.Option("--horizon-days", min=0, max=730, help="Days that the label looks ahead.")
]
CompanyOption = Annotated[
    str | None, typer.Option("--company", help="Name to serve it by; default: the file's.")
]
FlatCompanyOption = Annotated[
    str | None,
    typer.Option("--company", help="Of a flat table, by the name that it is served by."),
]
CurrencyOption = Annotated[str, typer.Option("--currency", help="Of the ARR.")]
FlatForceOption = Annotated[
    bool, typer.Option("--force", help="Publish the table's ranking whatever the gates say.")
]


@dataclass(frozen=True)
class FlatArguments:
    """The options of a flat table as given; ``columns`` maps what a column is to its name."""

    table: Path | None
    label: str | None
    columns: Mapping[str, str | None]
    leave_out: tuple[str, ...]
    horizon_days: int
    company: str | None
    currency: str
    force: bool
    replace: bool

    @property
    def given(self) -> list[str]:
        """The options that were given, as they are written."""
        options: dict[str, object] = {"--label": self.label, "--leave-out": self.leave_out}
        options |= {f"--{name}-column": column for name, column in self.columns.items()}
        options |= {"--horizon-days": self.horizon_days, "--company": self.company}
        options |= {"--force": self.force}
        options |= {"--replace": self.replace}
        return [name for name, value in options.items() if value]


def check_choice(config: Path | None, arguments: FlatArguments) -> None:
    """Refuse both or neither of ``--config`` and ``--table``, and options of the other one."""
    from features.errors import InputError, Problem

    problems = []
    if (config is None) == (arguments.table is None):
        rule = "give one of --config and --table"
        remedy = "--config for a company's tables, --table with --label for one table"
        problems.append((rule, remedy))
    elif config is not None:
        problems += [(f"{name} belongs to --table", "leave it out") for name in arguments.given]
    else:
        if arguments.label is None:
            remedy = "name the column that is 1 where the account left"
            problems.append(("--table needs --label", remedy))
    if problems:
        raise InputError([Problem("train", "", rule, remedy=remedy) for rule, remedy in problems])


def train_table(
    arguments: FlatArguments, data: Path | None, as_of: datetime | None, *, json_: bool
) -> None:
    """Train on the table, then show or print what was found."""
    from pipelines.home import Home, prepare_environment
    from pipelines.progress import show_progress

    home = Home.from_environment()
    prepare_environment(home)
    from features.flat_column import FlatOptions
    from pipelines.flat import FlatRequest, train_flat

    if arguments.table is None or arguments.label is None:  # `check_choice` has seen to it
        return
    request = FlatRequest(
        path=arguments.table,
        options=FlatOptions(
            arguments.label,
            **arguments.columns,
            leave_out=arguments.leave_out,
            horizon_days=arguments.horizon_days,
        ),
        company=arguments.company,
        currency=arguments.currency,
        drawn_up=as_of.date() if as_of else None,
        force=arguments.force,
        data=data,
        replace=arguments.replace,
    )
    with show_progress() as progress:
        run = train_flat(request, home, progress=progress)
    if json_:
        print_json(run.to_json())
    else:
        _show(run)


def _show(run: FlatRun) -> None:
    """The verdict first, then how it was judged and what may be wrong, then the figures."""
    from models.trained import Trained
    from pipelines.flat_population import MODEL
    from pipelines.presentation import make_console, show_ranking, show_training

    console = make_console()
    warnings = [f"warning: {warning}" for warning in run.warnings]
    show_training(console, {MODEL: run.outcome}, beneath=[run.split, *warnings])
    left_out = run.outcome.report.notices if isinstance(run.outcome, Trained) else ()
    for notice in (*run.notices, *left_out):
        console.print(f"notice: {notice}", markup=False, soft_wrap=True)
    if run.report is not None:
        console.print(f"report: {run.report}", markup=False, soft_wrap=True)
    if run.published is not None:
        show_ranking(console, run.published.snapshot)
