"""Training on one flat table of accounts, and publishing the ranking of those still to lose."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from pydantic import ValidationError

from features.errors import InputError, Problem
from features.flat import FlatTable, read_flat_table
from features.flat_column import SHOWN_ONLY, SHOWN_TOO, FlatOptions
from features.progress import Progress, Step, silent
from models.bundle import Provenance
from models.champion import hold_promotions
from models.driver import explain
from models.recipe import train_model
from models.registry import prepare_store
from models.table import ROW_COLUMNS, ModelTable
from models.tier import choose_thresholds
from models.trained import Skipped, Trained
from pipelines.config import Config
from pipelines.flat_path import find_table
from pipelines.flat_population import MODEL, accounts_to_rank, population
from pipelines.home import Home
from pipelines.promotion import (
    Versions,
    challenge_champion,
    record_model,
    versions_in_use,
)
from pipelines.scoring import Published, publish, score_population
from pipelines.served import check_served
from pipelines.source import git_commit
from pipelines.training import Outcome


@dataclass(frozen=True)
class FlatRequest:
    """What the user asked for.

    Parameters
    ----------
    path : Path
        The table; a relative path that is not there is looked for below the data folder.
    options : FlatOptions
        What its columns are.
    company : str or None
        Under which name it is recorded and served; None: the file's name.
    currency : str
        Of the ARR.
    drawn_up : date or None
        What was known before this day is used.
    force : bool
        Publish also a ranking that a gate would hold back.
    data : Path or None
        The data folder, instead of what ``KEEPWELL_DATA`` names.
    replace : bool
        Whether to publish even where another company is served.
    """

    path: Path
    options: FlatOptions
    company: str | None = None
    currency: str = "USD"
    drawn_up: date | None = None
    force: bool = False
    data: Path | None = None
    replace: bool = False


@dataclass(frozen=True)
class FlatRun:
    """What came of it: the sentence about the split, the model, and what was published."""

    split: str
    outcome: Outcome
    notices: tuple[str, ...]
    warnings: tuple[str, ...]
    version: str | None = None
    report: Path | None = None
    published: Published | None = None

    def to_json(self) -> dict[str, object]:
        """What ``keepwell train --table FILE --json`` prints."""
        found = self.outcome
        model = found.to_json() if isinstance(found, Skipped) else found.report.to_json()
        version = {} if self.version is None else {"version": self.version}
        return {
            "split": self.split,
            "models": {MODEL: {**model, **version}},
            **(self.published.to_json() if self.published else {"snapshot_id": None}),
            "notices": [*self.warnings, *self.notices],
            "warnings": list(self.warnings),
        }


def train_flat(request: FlatRequest, home: Home, *, progress: Progress = silent) -> FlatRun:
    """Train and judge on a flat table; record the model, and publish where it is promoted.

    Parameters
    ----------
    request : FlatRequest
    home : Home
    progress : callable

    Raises
    ------
    InputError
        With everything that is wrong about options and columns, or else about the values; or when
        another company is served.
    """
    config = flat_config(request)
    today = datetime.now(UTC).date()
    if request.drawn_up is not None and request.drawn_up > today:
        rule, remedy = f"{request.drawn_up} lies in the future", "give today or an earlier day"
        raise InputError([Problem("--as-of", "", rule, remedy=remedy)])
    check_served(home, config.company, replace=request.replace)
    request = replace(request, path=find_table(request.path, request.data))
    seen = versions_in_use(home, config)
    progress(f"reading {request.path.name}")
    table = read_flat_table(request.path, request.options, today=today, drawn_up=request.drawn_up)

    def tell(step: str, share: float) -> None:
        progress(Step(f"{MODEL} model", step, share))

    outcome = train_model(model_table(table, request.options), config, progress=tell)
    chosen, ranked = accounts_to_rank(table)
    run = FlatRun(
        split=describe_split(table, request.path.name),
        outcome=outcome,
        notices=table.notices,
        warnings=table.warnings,
    )
    if not isinstance(outcome, Trained):
        return run
    outcome = replace(outcome, report=replace(outcome.report, warnings=table.warnings))
    progress("recording the model")
    provenance = _provenance(request, config, table)
    outcome, version = _record(provenance, config, home, outcome, table.features.loc[chosen], seen)
    report = home.report(config.company, MODEL, version) / "report.html"
    run = replace(run, outcome=outcome, version=version, report=report)
    if not outcome.report.decision.promoted or not chosen.any():
        said = "no ranking is published, and what is served stays as it was"
        why = "no model was promoted" if chosen.any() else ranked
        return replace(run, notices=(*run.notices, f"{why}: {said}"))
    progress(f"publishing {int(chosen.sum()):,} accounts")
    snapshot = score_population(config, population(table, chosen), home)
    if table.data_end is None:
        snapshot = replace(snapshot, as_of=None, data_end=None)
    published = publish(snapshot, home, config, force=request.force)
    return replace(run, published=published, notices=(*run.notices, ranked))


def flat_config(request: FlatRequest) -> Config:
    """The defaults under the company's name: what a flat table has no configuration for.

    Raises
    ------
    InputError
        When the name cannot be one.
    """
    stem = re.sub(r"[^a-z0-9_-]+", "-", request.path.stem.lower()).lstrip("-_")[:40]
    name = request.company if request.company is not None else stem
    try:
        return Config(config_version=1, company=name, currency=request.currency, tables={})
    except ValidationError:
        rule = "must be lower-case letters, digits, - and _, at most 41, and begin with no sign"
        remedy = "give such a name with --company"
        raise InputError(
            [Problem("--company", "", rule, examples=(name,), remedy=remedy)]
        ) from None


def describe_split(table: FlatTable, file: str) -> str:
    """How the rows that judge stand to those that train, in one sentence."""
    if table.dated:
        return "the split is temporal: the last fifth of the dates judges"
    why = (
        f"all rows of {file} bear one date"
        if any(notice.startswith("column date: ") for notice in table.notices)
        else f"{file} has no date column"
    )
    return (
        f"the split cannot be temporal: {why}, so accounts judge that were left out of the fit, and"
        " the figures say nothing about how well later losses are foretold"
    )


def model_table(table: FlatTable, options: FlatOptions) -> ModelTable:
    """The table as the models layer reads it."""
    wait = pd.Timedelta(days=options.horizon_days if table.dated else 0)
    rows = table.rows.drop(columns=[name for name in SHOWN_ONLY if name in table.rows])
    unknown = dict.fromkeys(("tenure_days", "days_to_renewal", "events_change_28d"), np.nan)
    rows = rows.assign(
        contract_id=None, label_known_at=rows["as_of"] + wait, headline=True, **unknown
    )
    slices = [name for name in SHOWN_TOO if name in rows]
    return ModelTable(
        model=MODEL,
        rows=rows[[*ROW_COLUMNS, *slices]],
        features=table.features,
        data_end=table.data_end,
        horizon_days=options.horizon_days or None,
        lead_days=0 if options.horizon_days else None,
        dated=table.dated,
    )


def _record(
    provenance: Provenance,
    config: Config,
    home: Home,
    trained: Trained,
    ranked: pd.DataFrame,
    seen: Versions,
) -> tuple[Trained, str]:
    """Register the model with tiers for the ranked accounts: the decision and the version."""
    prepare_store(home.folder)
    probability = explain(trained.shipped.predictor, ranked).probability
    thresholds = choose_thresholds(probability.tolist(), config.team.capacity)
    with hold_promotions(home.folder, config.company):
        challenger = challenge_champion(trained, config, home, seen=seen)
        version = record_model(home, challenger, provenance, thresholds, currency=config.currency)
    return challenger, version


def _provenance(request: FlatRequest, config: Config, table: FlatTable) -> Provenance:
    options = {name: value for name, value in asdict(request.options).items() if value}
    text = {
        "table": request.path.name,
        "company": config.company,
        "columns": {**options, "leave_out": list(request.options.leave_out)},
        "as_of": str(request.drawn_up) if request.drawn_up else None,
        "training": config.training.model_dump(mode="json"),
    }
    return Provenance(
        company=config.company,
        label=_describe_label(request, dated=table.data_end is not None),
        config_text=yaml.safe_dump(text, sort_keys=False, allow_unicode=True),
        data_hash=hashlib.sha256(request.path.read_bytes()).hexdigest(),
        git_commit=git_commit(),
        created_at=datetime.now(UTC),
        assembled=False,
    )


def _describe_label(request: FlatRequest, *, dated: bool) -> str:
    days = request.options.horizon_days
    when = "with no horizon that is stated"
    if days:
        after = "the row's date" if dated else "a day that the table does not say"
        when = f"known {days} days after {after}"
    return f"The column {request.options.label} of {request.path.name} is 1, {when}."
