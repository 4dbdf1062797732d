"""The configuration: one YAML file per company, validated whole before any work."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import yaml
from pydantic import Field, PrivateAttr, ValidationError

from features.errors import InputError, Problem
from features.outcome_name import states_outcome
from features.own import own_faults, possible_features
from features.schema import TABLES
from features.settings import CompanySettings
from models.playbook import Playbook
from models.settings import ModelSettings
from models.warning_rule import threshold_faults
from pipelines.entry_file import read_entries, read_own_playbooks
from pipelines.health_check import Fault, health_faults
from pipelines.suggestion import find_keys, suggest

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


class Config(CompanySettings, ModelSettings):
    """A company's whole configuration; its queries keep their placeholders.

    What the environment holds for them, passwords perhaps, is filled in only to run them.
    """

    config_version: Literal[1]
    company: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$")
    data: str = "."
    slices: tuple[str, ...] = ()
    playbooks: tuple[Playbook, ...] = ()

    _folder: Path = PrivateAttr(default=Path())

    def place_data(self, folder: Path) -> None:
        """Say which folder ``${data}`` stands for."""
        self._folder = folder

    @property
    def secrets(self) -> dict[str, str]:
        """What the environment holds for the placeholders of the queries and of ``attach``."""
        texts = (*self.tables.values(), *self.attach.values())
        used = {name for text in texts for name in _PLACEHOLDER.findall(text)}
        return {name: os.environ[name] for name in sorted(used - {"data"})}

    def filled(self) -> Config:
        """The same with data folder and environment put into the queries and URLs."""
        values = {**self.secrets, "data": str(self._folder)}
        queries = {
            name: _PLACEHOLDER.sub(partial(_value, values), query)
            for name, query in self.tables.items()
        }
        urls = {name: _fill_url(values, url) for name, url in self.attach.items()}
        return self.model_copy(update={"tables": queries, "attach": urls})

    def to_yaml(self) -> str:
        """The resolved configuration, as it is kept with a model."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def read_config(path: Path, *, data: Path | None = None) -> Config:
    """The configuration in a YAML file.

    Parameters
    ----------
    path : Path
    data : Path, optional
        The data folder; without it the config's ``data`` key below the environment variable
        ``KEEPWELL_DATA``, or below the folder of the YAML.

    Raises
    ------
    InputError
        With everything that is wrong, by key path.
    """
    raw = _read_yaml(path)
    problems = _unset_variables(raw)
    places: list[str] = []
    if isinstance(raw.get("features"), list):
        raw["features"], places, found = read_entries(raw["features"], path.resolve().parent)
        problems += found
    if "playbooks" in raw:
        raw["playbooks"], found = read_own_playbooks(raw["playbooks"], path.resolve().parent)
        problems += found
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise InputError(problems + _validation_problems(error, places)) from None
    config.place_data(_data_folder(path, config.data, data))
    problems += _joint_problems(config)
    problems += [
        Problem("config", f"{places[index]}.{key}", rule, remedy=remedy)
        for index, key, rule, remedy in own_faults(config)
    ]
    if problems:
        raise InputError(problems)
    return config


def _read_yaml(path: Path) -> dict[str, Any]:  # Any: YAML before validation
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        remedy = "give the path of a YAML file with --config"
        raise InputError([Problem(str(path), "", "does not exist", remedy=remedy)]) from None
    except (OSError, UnicodeDecodeError) as error:
        said = f"cannot be read: {type(error).__name__}"
        raise InputError([Problem(str(path), "", said, remedy="save it as UTF-8")]) from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise InputError([Problem(str(path), "", f"is no valid YAML: {said}")]) from None
    if not isinstance(raw, dict):
        raise InputError([Problem(str(path), "", "must be a mapping of keys, see docs/config.md")])
    return raw


def _data_folder(path: Path, key: str, data: Path | None) -> Path:
    if data is not None:
        return data.resolve()
    base = Path(os.environ.get("KEEPWELL_DATA") or path.resolve().parent)
    return (base / key).resolve()


def _unset_variables(raw: dict[str, Any]) -> list[Problem]:
    """Placeholders of the queries and URLs for which the environment has nothing."""
    remedy = "set the environment variable, or write ${data} for the data folder"
    return [
        Problem("config", f"{section}.{name}", f"${{{variable}}} is not set", remedy=remedy)
        for section in ("attach", "tables")
        if isinstance(texts := raw.get(section), dict)
        for name, text in texts.items()
        for variable in sorted(set(_PLACEHOLDER.findall(str(text))) - {"data", *os.environ})
    ]


def _value(values: Mapping[str, str], match: re.Match[str]) -> str:
    """What a placeholder stands for, safe inside a quoted SQL string."""
    return values[match[1]].replace("'", "''")


def _fill_url(values: Mapping[str, str], url: str) -> str:
    """A URL of ``attach``: a placeholder is the whole of it, or a part that is percent-encoded."""
    whole = _PLACEHOLDER.fullmatch(url)
    if whole:
        return values[whole[1]]
    return _PLACEHOLDER.sub(lambda match: quote(values[match[1]], safe=""), url)


def _validation_problems(error: ValidationError, places: Sequence[str]) -> list[Problem]:
    problems = []
    for item in error.errors():
        loc = item["loc"]
        if loc[:1] == ("features",) and len(loc) > 1:
            loc = (places[int(loc[1])], *loc[2:])
        key = ".".join(str(part) for part in loc) or "config"
        if item["type"] == "extra_forbidden":
            meant = suggest(str(loc[-1]), find_keys(Config, item["loc"][:-1]))
            rule = "is no key of the configuration"
            remedy = f"write {meant}" if meant else "remove it"
            remedy += ", or see docs/config.md"
        else:
            rule, remedy = item["msg"].removeprefix("Value error, "), "see docs/config.md"
        seen = item.get("input")
        shown = (str(seen)[:80],) if isinstance(seen, str | int | float | bool | date) else ()
        problems.append(Problem("config", key, rule, examples=shown, remedy=remedy))
    return problems


def _joint_problems(config: Config) -> list[Problem]:
    """What is wrong between keys."""
    found = [
        *_table_faults(config),
        *_label_faults(config),
        *_other_faults(config),
        *threshold_faults(config.warnings),
        *_playbook_faults(config),
        *health_faults(config, config.health),
    ]
    return [Problem("config", key, rule, remedy=remedy) for key, rule, remedy in found]


def _table_faults(config: Config) -> Iterator[Fault]:
    for name, url in config.attach.items():
        password = re.search(r"://[^/@]*:([^@]*)@|password=([^&]*)", url)
        if password and not _PLACEHOLDER.fullmatch(password[1] or password[2] or ""):
            remedy = "write it as ${NAME} and set that environment variable"
            yield f"attach.{name}", "holds a password, which would be kept with a model", remedy
    for name in config.tables:
        if name not in TABLES:
            meant = suggest(name, TABLES)
            remedy = f"write {meant}" if meant else f"use {', '.join(sorted(TABLES))}"
            yield f"tables.{name}", "is no contract table", remedy
    if "accounts" not in config.tables:
        yield "tables.accounts", "is missing", "every company needs a query for its accounts"
    if not {"contracts", "usage"} & set(config.tables):
        yield "tables", "has neither contracts nor usage", "add a query for one of them"


def _label_faults(config: Config) -> Iterator[Fault]:
    churn = config.labels.churn
    if churn is None and config.labels.renewal is None:
        yield "labels", "names no label", "give churn, renewal or both"
    if "contracts" not in config.tables:
        if churn is not None and "contract" in churn.by:
            remedy = "add tables.contracts, or use by: [inactivity]"
            yield "labels.churn.by", "says contract, but there is no table contracts", remedy
        if config.labels.renewal is not None:
            remedy = "add it, or leave the label out"
            yield "labels.renewal", "needs the table contracts", remedy
    inactivity = churn.inactivity if churn is not None else None
    if inactivity is None:
        return
    key = "labels.churn.inactivity"
    if inactivity.measure is None and "usage" not in config.tables:
        yield key, "needs the table usage", "add tables.usage"
    if inactivity.measure is not None and "measures" not in config.tables:
        yield f"{key}.measure", "needs the table measures", "add tables.measures"
    if inactivity.measure is not None and inactivity.measure not in config.measures:
        yield f"{key}.measure", "is not declared", "declare it under measures"


def _other_faults(config: Config) -> Iterator[Fault]:
    remedy = "remove it: no feature may know the outcome; what was known before needs another name"
    for section, names in (("attributes", config.attributes), ("measures", config.measures)):
        for name in names:
            if states_outcome(name.rpartition(".")[2]):
                yield f"{section}.{name}", "states an outcome", remedy
    end = config.time.data_end
    if end is not None and end > datetime.now(UTC).date():
        yield "time.data_end", "lies in the future", "give the day after the last complete day"


def _playbook_faults(config: Config) -> Iterator[Fault]:
    known = possible_features(config)
    for playbook in config.playbooks:
        for name in playbook.fits.when:
            if name.lower() not in known:
                remedy = "take a name that keepwell features lists"
                yield f"playbooks ({playbook.name}).fits.when.{name}", "is no feature", remedy
