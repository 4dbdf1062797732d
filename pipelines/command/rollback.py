"""``keepwell rollback``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import ConfigOption, JsonOption


class Model(StrEnum):
    """A model that may be rolled back."""

    CHURN = "churn"
    RENEWAL = "renewal"


def rollback(
    config: ConfigOption,
    model: Annotated[Model, typer.Option("--model", help="Which model.")],
    json_: JsonOption = False,
) -> None:
    """Go back to the model that was in use before.

    The ranking that is served stays until the next `keepwell score`.
    """
    loaded = read_company(config, None)
    from models.champion import hold_promotions, roll_back
    from models.registry import set_champion
    from pipelines.home import Home

    home = Home.from_environment().folder
    with hold_promotions(home, loaded.company):
        version = roll_back(home, loaded.company, model.value)
        set_champion(home, loaded.company, model.value, version)
    if json_:
        print_json({"company": loaded.company, "model": model.value, "version": version})
        return
    typer.echo(
        f"{loaded.company}: the {model.value} model is version {version} again; "
        "keepwell score ranks with it"
    )
