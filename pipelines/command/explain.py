"""``keepwell explain``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from pipelines.command.flat import FlatCompanyOption
from pipelines.command.opening import (
    check_one_of,
    open_flat_company,
    print_json,
    read_company,
)
from pipelines.command.option import AsOfOption, DataOption, JsonOption, OptionalConfigOption


def explain(
    account: Annotated[str, typer.Argument(help="Id of the account, as in the accounts table.")],
    config: OptionalConfigOption = None,
    data: DataOption = None,
    as_of: AsOfOption = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", help="Explain this contract's renewal, not the next to decide."),
    ] = None,
    company: FlatCompanyOption = None,
    json_: JsonOption = False,
) -> None:
    """Explain one account, from its raw rows to the probability and its sum.

    Without --as-of as of the ranking that is served, else of the data's end. Nothing is published.
    With --company, of a flat table, as it was published: the table itself is not kept.
    """
    check_one_of("explain", config, company)
    if config is None:
        others = {"--data": data, "--as-of": as_of, "--contract": contract}
        _explain_published(account, str(company), others, json_=json_)
        return
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


def _explain_published(
    account: str, company: str, others: Mapping[str, object], *, json_: bool
) -> None:
    """What was published of the account; the options that need tables are refused."""
    from features.errors import InputError, Problem

    problems = [
        Problem("explain", "", f"{name} belongs to --config", remedy="leave it out")
        for name, value in others.items()
        if value is not None
    ]
    if problems:
        raise InputError(problems)
    home = open_flat_company(company)
    from pipelines.presentation import make_console
    from pipelines.published_account import read_published, show_published

    found = read_published(home, company, account)
    if json_:
        print_json(found.to_json())
    else:
        show_published(make_console(), found)
