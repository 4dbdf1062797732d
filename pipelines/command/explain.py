"""``keepwell explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import AsOfOption, ConfigOption, DataOption, JsonOption


def explain(
    account: Annotated[str, typer.Argument(help="Id of the account, as in the accounts table.")],
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", help="Explain this contract's renewal, not the next to decide."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Explain one account, from its raw rows to the probability and its sum.

    Without --as-of as of the ranking that is served, else of the data's end. Nothing is published.
    """
    loaded = read_company(config, data)
    from pipelines.explanation import default_as_of, explain_account
    from pipelines.explanation_page import show_explanation
    from pipelines.home import Home
    from pipelines.presentation import make_console
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    home = Home.from_environment()
    day = as_of.date() if as_of else default_as_of(loaded, home)
    with show_progress() as progress:
        source = open_company(loaded, home, as_of=day, progress=progress)
        found = explain_account(
            loaded, source, home, account, contract_id=contract, progress=progress
        )
    if json_:
        print_json(found.to_json())
    else:
        show_explanation(make_console(), found, currency=loaded.currency)
