"""Options that several commands take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[Path, typer.Option("--config", help="The company's YAML file.")]
OptionalConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The company's YAML file.")
]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder, instead of the config's.")
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Use only what was known before this day."),
]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Serve it though the home serves another company.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Publish also what a gate would hold back.")
]
BackfillOption = Annotated[
    int,
    typer.Option(
        "--backfill",
        min=0,
        max=60,
        metavar="N",
        help="First publish a snapshot for each of the last N as-of dates before this one.",
    ),
]
