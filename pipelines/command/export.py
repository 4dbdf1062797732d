"""``keepwell export``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command.opening import print_json, read_company
from pipelines.command.option import JsonOption


class Audience(StrEnum):
    """Whom an export is for."""

    PEOPLE = "people"
    CRM = "crm"


def export(
    file: Annotated[str, typer.Argument(help="A .csv or .parquet file; - is CSV on stdout.")],
    audience: Annotated[
        Audience, typer.Option("--for", help="people: safe in a spreadsheet; crm: untouched.")
    ] = Audience.PEOPLE,
    changed_since: Annotated[
        str | None,
        typer.Option("--changed-since", help="With --for crm: only what changed since a snapshot."),
    ] = None,
    points: Annotated[
        float,
        typer.Option("--points", min=0.01, max=100, help="Move of a probability that counts."),
    ] = 1.0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file where it exists.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The company's YAML file: refuse another one's snapshot."),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Write the snapshot that is served to a file.

    For a CRM: a row per external id, and with --changed-since only accounts that changed, those
    that are gone with empty scores.
    """
    from features.errors import InputError, Problem
    from models.store import SnapshotStore
    from pipelines.export import export_crm, export_people, served_snapshot
    from pipelines.export_file import STDOUT, check_target, write_export
    from pipelines.home import Home

    problems = []
    if changed_since is not None and audience != Audience.CRM:
        problems.append(("--changed-since belongs to --for crm", "give both, or neither"))
    if json_ and file == STDOUT:
        problems.append(("--json and the export cannot both go to stdout", "name a file"))
    if problems:
        raise InputError([Problem("export", "", rule, remedy=what) for rule, what in problems])
    check_target(file, overwrite=overwrite)
    company = None if config is None else read_company(config, None).company
    with SnapshotStore(Home.from_environment().store_url) as store:
        header = served_snapshot(store, company)
        if audience == Audience.CRM:
            table = export_crm(store, header, changed_since=changed_since, points=points / 100)
        else:
            table = export_people(store, header)
        write_export(table, file)
    if json_:
        print_json({"file": file, **table.to_json()})
        return
    counted = f"{table.accounts:,} {'account' if table.accounts == 1 else 'accounts'}"
    when = f" as of {header.as_of}" if header.as_of else ""
    said = f"{file}: {counted} of {header.company}{when} (snapshot {header.snapshot_id})"
    if table.gone:
        said += f"; {table.gone:,} gone"
    if table.without_external_id:
        said += f"; {table.without_external_id:,} left out, since they have no external_id"
    typer.echo(said, err=file == STDOUT)
