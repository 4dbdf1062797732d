"""Opening a company's tables for a pipeline, and proving later what was read."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from features.dataset import Dataset
from features.errors import InputError, Problem
from features.progress import Progress, silent
from features.quarantine import write_quarantine
from features.source import Source, open_source
from models.table import ROW_COLUMNS, ModelTable, Trait
from pipelines.config import Config
from pipelines.health import health_of_rows
from pipelines.home import Home


def open_company(
    config: Config,
    home: Home,
    *,
    as_of: date | None = None,
    rebuild: bool = False,
    progress: Progress = silent,
) -> Source:
    """The company's contract tables, checked, as known at ``as_of`` (default: all there is).

    With ``rebuild`` all usage is read anew, also files that changed since they were taken in.

    Raises
    ------
    InputError
        With every problem; what the environment holds for the queries is not in it.
    """
    if as_of is not None and as_of > datetime.now(UTC).date():
        remedy = "give a day on which all of this was known, at most today"
        raise InputError([Problem("--as-of", "", f"{as_of} lies in the future", remedy=remedy)])
    try:
        source = open_source(
            config.filled(),
            spill=home.spill,
            rollup=home.rollups / config.company,
            rebuild=rebuild,
            data_end=as_of,
            slices=config.slices,
            progress=progress,
        )
        write_quarantine(source.connection, home.quarantine / config.company, source.notices)
    except InputError as error:
        raise InputError([_masked(problem, config) for problem in error.problems]) from None
    for problem in source.notices:
        progress(f"notice, {problem.action}: {problem}")
    return source


def _masked(problem: Problem, config: Config) -> Problem:
    """The problem with names in place of what the environment holds: DuckDB quotes queries."""
    rule, examples = problem.rule, problem.examples
    for name, value in config.secrets.items():
        if value:
            rule = rule.replace(value, f"${{{name}}}")
            examples = tuple(example.replace(value, f"${{{name}}}") for example in examples)
    return replace(problem, rule=rule, examples=examples)


def hash_tables(source: Source) -> str:
    """sha256 over the contract tables as read; the order of rows does not matter."""
    digest = hashlib.sha256()
    # On Spark usage has no files in a ledger: its days lie in the connection as a table.
    used = ("usage_day",) if source.spark is not None else ()
    for name in (*source.tables, *used):
        row = source.connection.execute(
            f"SELECT count(*), bit_xor(hash(t)), sum(hash(t) % 1000003) FROM {name} AS t"
        ).fetchone()
        digest.update(f"{name}:{row}\n".encode())
    if source.usage is not None:
        digest.update(f"usage:{source.usage.digest}:{source.data_end}\n".encode())
    return digest.hexdigest()


def git_commit() -> str | None:
    """Commit of the checkout that this code runs from; None outside one."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def model_table(dataset: Dataset, config: Config) -> ModelTable:
    """The dataset as the models layer reads it; what is no slice is left behind."""
    labels = config.labels
    horizon, lead = 0, 0
    if dataset.model == "churn" and labels.churn is not None:
        horizon, lead = labels.churn.horizon_days, labels.churn.lead_days
    elif labels.renewal is not None:
        horizon = labels.renewal.max_lead_days
    seen = [feature for feature in dataset.catalogue.features if feature.in_models]
    return ModelTable(
        model=dataset.model,
        rows=dataset.rows[[*ROW_COLUMNS, *dataset.slices]],
        features=dataset.features[[feature.name for feature in seen]],
        data_end=dataset.data_end,
        horizon_days=horizon,
        lead_days=lead,
        traits={
            feature.name: Trait(feature.group, feature.direction, feature.agreed)
            for feature in seen
        },
        health=health_of_rows(dataset, config.health),
    )


def describe_label(config: Config, model: str) -> str:
    """The label's definition as one sentence, for the card."""
    churn, renewal = config.labels.churn, config.labels.renewal
    if model == "renewal" and renewal is not None:
        return (
            f"The contract ends without a successor that starts by {renewal.grace_days} days after "
            f"its end; seen on as-of dates up to {renewal.max_lead_days} days before its decision."
        )
    if churn is None:
        return ""
    after = f"more than {churn.lead_days} and " if churn.lead_days else ""
    span = f"{after}at most {churn.horizon_days} days after the as-of date"
    rules = []
    if "contract" in churn.by:
        rules.append(f"its last contract ends without a successor by {churn.grace_days} days later")
    if "inactivity" in churn.by and churn.inactivity is not None:
        rules.append(f"{churn.inactivity.silent_days} days of silence begin")
    return f"The account leaves {span}: {' or '.join(rules)}."
