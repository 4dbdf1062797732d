"""What every command begins or ends with: the company read, the tables opened, JSON printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pipelines.config import Config


def read_company(config: Path, data: Path | None) -> Config:
    """The validated configuration, with the environment of the dependencies prepared."""
    from pipelines.home import Home, prepare_environment

    prepare_environment(Home.from_environment())
    from pipelines.config import read_config

    return read_config(config, data=data)


def print_json(found: object) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False, default=str))
