"""``keepwell rollback``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipelines.command.flat import FlatCompanyOption
from pipelines.command.opening import (
    check_one_of,
    open_flat_company,
    print_json,
    read_company,
)
from pipelines.command.option import JsonOption, OptionalConfigOption


class Model(StrEnum):
    """A model that may be rolled back."""

    CHURN = "churn"
    RENEWAL = "renewal"


def rollback(
    model: Annotated[Model, typer.Option("--model", help="Which model.")],
    config: OptionalConfigOption = None,
    company: FlatCompanyOption = None,
    json_: JsonOption = False,
) -> None:
    """Go back to the model that was in use before.

    The ranking that is served stays until the next `keepwell score`. With --company, of a flat
    table, which no command scores again, the ranking that the model made is served again.
    """
    check_one_of("rollback", config, company)
    if config is not None:
        name = read_company(config, None).company
    else:
        name = str(company)
        open_flat_company(name)
    from models.champion import hold_promotions, roll_back
    from models.registry import set_champion
    from pipelines.home import Home

    home = Home.from_environment()
    with hold_promotions(home.folder, name):
        version = roll_back(home.folder, name, model.value)
        set_champion(home.folder, name, model.value, version)
    found: dict[str, str | None] = {"company": name, "model": model.value, "version": version}
    said = "keepwell score ranks with it"
    if company is not None:
        snapshot = _bring_back(home.store_url, name, model.value, version)
        found |= {"snapshot_id": snapshot}
        said = (
            f"its ranking is served again, snapshot {snapshot}"
            if snapshot
            else "no ranking that it made can be served, so what is served stays"
        )
    if json_:
        print_json(found)
        return
    typer.echo(f"{name}: the {model.value} model is version {version} again; {said}")


def _bring_back(store_url: str, company: str, model: str, version: str) -> str | None:
    from models.store import SnapshotStore

    with SnapshotStore(store_url) as store:
        return store.bring_back(company, model, version)
