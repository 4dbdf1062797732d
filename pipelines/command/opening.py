"""What every command begins or ends with: the company read, the tables opened, JSON printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.home import Home


def read_company(config: Path, data: Path | None) -> Config:
    """The validated configuration, with the environment of the dependencies prepared."""
    from pipelines.home import Home, prepare_environment

    prepare_environment(Home.from_environment())
    from pipelines.config import read_config

    return read_config(config, data=data)


def open_flat_company(name: str) -> Home:
    """The home, where a flat table was trained on under that name.

    Raises
    ------
    InputError
        When no model of that name was recorded, with the names that were.
    """
    from features.errors import InputError, Problem
    from pipelines.home import Home, prepare_environment

    home = Home.from_environment()
    prepare_environment(home)
    bundles = home.folder / "bundles"
    known = sorted(path.name for path in bundles.iterdir()) if bundles.is_dir() else []
    if name not in known:
        rule = f"no model of {name} was ever recorded in {home.folder}"
        remedy = (
            f"name one of {', '.join(known)}" if known else "keepwell train --table comes first"
        )
        raise InputError([Problem("--company", "", rule, remedy=remedy)])
    return home


def check_one_of(command: str, config: Path | None, company: str | None) -> None:
    """Refuse both or neither of ``--config`` and ``--company``."""
    from features.errors import InputError, Problem

    if (config is None) == (company is None):
        rule = "give one of --config and --company"
        remedy = "--config for a company's tables, --company for a flat table by its name"
        raise InputError([Problem(command, "", rule, remedy=remedy)])


def print_json(found: object) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False, default=str))
