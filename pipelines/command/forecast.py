"""``keepwell forecast``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import AsOfOption, ConfigOption, DataOption, JsonOption


def forecast(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    quarters: Annotated[
        int, typer.Option("--quarters", min=1, max=12, help="Calendar quarters to look ahead.")
    ] = 4,
    json_: JsonOption = False,
) -> None:
    """Forecast renewals: ARR up, renewed, GRR and NRR by quarter.

    With intervals, and how often such intervals held at past dates; see docs/forecast.md.
    """
    loaded = read_company(config, data)
    from pipelines.forecast_model import forecast_company
    from pipelines.home import Home
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    home = Home.from_environment()
    with show_progress() as progress:
        day = as_of.date() if as_of else None
        source = open_company(loaded, home, as_of=day, progress=progress)
        found = forecast_company(loaded, source, home, quarters=quarters, progress=progress)
    if json_:
        print_json(found.to_json())
        return
    from pipelines.forecast_table import show_forecast
    from pipelines.presentation import make_console

    show_forecast(make_console(), found)
