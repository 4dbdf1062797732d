"""``keepwell erase``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import ConfigOption, JsonOption


def erase(
    config: ConfigOption,
    user: Annotated[str, typer.Option("--user", help="The user_id to erase.")],
    account: Annotated[
        str | None, typer.Option("--account", help="Only this account's user of that id.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Erase a user from all that Keepwell keeps of usage.

    Files that are read later leave the user out; erase it in your own tables too.
    """
    loaded = read_company(config, None)
    from features.erasure import erase_user
    from pipelines.home import Home

    home = Home.from_environment()
    folder, quarantine = home.rollups / loaded.company, home.quarantine / loaded.company
    erased = erase_user(folder, user, account, quarantine=quarantine)
    if json_:
        print_json(asdict(erased))
        return
    if erased.accounts or erased.quarantined:
        said = (
            f"erased {erased.days:,} days of usage (accounts: {erased.accounts:,}) and "
            f"{erased.quarantined:,} rows in quarantine"
        )
    else:
        said = (
            "nothing is kept of such a user, or no longer (compare the id with usage); files that "
            "are read from now on leave it out"
        )
    typer.echo(f"{loaded.company}: {said}; erase the user in your own tables too")
