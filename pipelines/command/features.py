"""``keepwell features``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import AsOfOption, DataOption, JsonOption


def features(
    config: Annotated[
        Path | None, typer.Option("--config", help="The company's YAML file; without it, all.")
    ] = None,
    data: DataOption = None,
    as_of: AsOfOption = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that computes them.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the as-of rows with labels to this folder."),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference page docs/features.md.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """List the features, and those left out; print their SQL; or export rows as Parquet.

    A feature whose table or column the company does not have is left out, with the reason.
    """
    from pipelines.catalogue_page import (
        check_options,
        describe_company,
        list_templates,
        reference_page,
        template_json,
    )
    from pipelines.home import Home
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    check_options(config=config, sql=sql, export=export, markdown=markdown, json_=json_)
    if markdown:
        typer.echo(reference_page(), nl=False)
        return
    text, found = "\n".join(list_templates()), template_json()
    if config is not None:
        loaded = read_company(config, data)
        day = as_of.date() if as_of else None
        with show_progress() as progress:
            source = open_company(loaded, Home.from_environment(), as_of=day, progress=progress)
            text, found = describe_company(
                loaded, source, sql=sql, export=export, progress=progress
            )
    if json_:
        print_json(found)
    else:
        typer.echo(text)
