"""``keepwell backtest``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import AsOfOption, ConfigOption, DataOption, JsonOption


def backtest(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Null test: shuffle labels within each date.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Judge the models at many past dates.

    At each cut-off a model is trained on what was known then and tested on what followed, with
    models of every age beside it; nothing is recorded or promoted.
    """
    loaded = read_company(config, data)
    from pipelines.backtest import backtest_company
    from pipelines.backtest_page import show_backtest
    from pipelines.home import Home
    from pipelines.presentation import make_console
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    day = as_of.date() if as_of else None
    with show_progress() as progress:
        source = open_company(loaded, Home.from_environment(), as_of=day, progress=progress)
        run = backtest_company(loaded, source, shuffle_labels=shuffle_labels, progress=progress)
    if json_:
        print_json(run.to_json())
    else:
        show_backtest(make_console(), run, currency=loaded.currency, costs=loaded.costs)
