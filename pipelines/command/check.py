"""``keepwell check``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import AsOfOption, ConfigOption, DataOption, JsonOption


def check(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read all usage anew, also files that changed.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Check the configuration and the tables.

    Exit code 2 when something must be mended; all of it is said at once.
    """
    from features.errors import InputError
    from pipelines.presentation import make_console, show_problems

    try:
        _check(config, data, as_of, rebuild=rebuild, json_=json_)
    except InputError as error:
        console = make_console(stderr=True)
        if json_ or not console.is_terminal:
            raise
        show_problems(console, error.problems)
        raise typer.Exit(2) from None


def _check(
    path: Path, data: Path | None, as_of: datetime | None, *, rebuild: bool, json_: bool
) -> None:
    """Say what is wrong with tables that can be used, and where rows went that cannot."""
    loaded = read_company(path, data)
    from pipelines.home import Home
    from pipelines.presentation import make_console, show_problems
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    home = Home.from_environment()
    with show_progress() as progress:
        day = as_of.date() if as_of else None
        source = open_company(loaded, home, as_of=day, rebuild=rebuild, progress=progress)
    if json_:
        print_json({"problems": [problem.to_dict() for problem in source.notices]})
        return
    show_problems(make_console(), source.notices)
    for file in sorted((home.quarantine / loaded.company).glob("*.parquet")):
        typer.echo(f"quarantined rows, under KEEPWELL_HOME: {file.relative_to(home.folder)}")
    typer.echo(f"{loaded.company}: the tables can be used; data up to {source.data_end}, exclusive")
