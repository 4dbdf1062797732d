"""The Prefect flows ``train`` and ``score``: thin wrappers that name, retry and show each step.

They run by themselves on a server of their own, or against the one that ``PREFECT_API_URL`` names.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from features.dataset import Dataset, ModelName, build_datasets
from features.errors import TransientError
from features.progress import Progress
from features.source import Source
from models.account_score import ranking_key
from models.snapshot import Snapshot
from models.trained import Skipped
from pipelines.backfill import Backfill, backfill_company
from pipelines.config import Config, read_config
from pipelines.home import Home
from pipelines.page import add_pages
from pipelines.population import Population, build_population
from pipelines.promotion import Versions, versions_in_use
from pipelines.scoring import Published, look_back, publish, score_population
from pipelines.served import check_served
from pipelines.source import open_company
from pipelines.training import Outcome, TrainingRun, record_run, train_one
from pipelines.warning_record import keep_record

RANKING_ROWS = 50


def is_transient(task: Any, run: Any, state: State[Any]) -> bool:  # Any: Prefect's own signature
    """Whether a failed task may be tried again: only after a fault that may pass."""
    del task, run
    return isinstance(state.result(raise_on_failure=False), TransientError)


_RETRY: dict[str, Any] = {  # Any: keyword arguments of Prefect's decorator
    "retries": 3,
    "retry_delay_seconds": [1, 5, 20],
    "retry_condition_fn": is_transient,
    "cache_policy": NO_CACHE,
    "persist_result": False,
}


@task(name="read and check the tables", **_RETRY)
def open_tables(config: Config, as_of: date | None) -> Source:
    """The company's contract tables."""
    return open_company(config, Home.from_environment(), as_of=as_of, progress=_log())


@task(name="build as-of rows and features", **_RETRY)
def build_rows(config: Config, source: Source) -> dict[ModelName, Dataset]:
    """The as-of rows of each model."""
    datasets = build_datasets(source, slices=config.slices, progress=_log())
    keep_record(Home.from_environment(), config, source, datasets)
    return datasets


@task(name="train and judge", task_run_name="train and judge {name}", **_RETRY)
def train_model(name: str, config: Config, dataset: Dataset) -> Outcome:
    """One model, or why there is none."""
    del name
    return train_one(dataset, config, progress=_log())


@task(name="record and promote", **_RETRY)
def record(
    config: Config, source: Source, outcomes: Mapping[ModelName, Outcome], seen: Versions
) -> TrainingRun:
    """The models in MLflow and as bundles."""
    home = Home.from_environment()
    return record_run(config, source, home, outcomes, seen=seen, progress=_log())


@task(name="build the population", **_RETRY)
def build_customers(source: Source) -> Population:
    """All customers as of the data's end."""
    return build_population(source, source.data_end, progress=_log())


@task(name="score", **_RETRY)
def score_customers(config: Config, population: Population) -> Snapshot:
    """Every customer's probabilities, state, money, tier and drivers."""
    return score_population(config, population, Home.from_environment())


@task(name="look back", **_RETRY)
def compare_with_past(config: Config, source: Source, snapshot: Snapshot) -> Snapshot:
    """What the snapshot says of earlier ones."""
    return look_back(config, source, Home.from_environment(), snapshot, progress=_log())


@task(name="publish past snapshots", **_RETRY)
def publish_past(config: Config, source: Source, count: int) -> Backfill:
    """Snapshots of past dates, each by models that knew no more than that date."""
    home = Home.from_environment()
    return backfill_company(config, source, home, count=count, progress=_log())


@task(name="gather what the pages show", **_RETRY)
def gather_pages(
    config: Config, source: Source, population: Population, snapshot: Snapshot
) -> Snapshot:
    """The snapshot with boards, lives and forecast."""
    return add_pages(snapshot, config, source, population, progress=_log())


@task(name="publish the snapshot", **_RETRY)
def publish_snapshot(config: Config, snapshot: Snapshot, *, force: bool) -> Published:
    """The snapshot in the store, and the pointer on it."""
    return publish(snapshot, Home.from_environment(), config, force=force)


@flow(name="train", validate_parameters=False)
def train(config: Path, data: Path | None = None, as_of: date | None = None) -> TrainingRun:
    """Train, judge and record both models of the company in a YAML file."""
    loaded = read_config(Path(config), data=data)
    seen = versions_in_use(Home.from_environment(), loaded)
    source = open_tables(loaded, as_of)
    datasets = build_rows(loaded, source)
    outcomes = {name: train_model(name, loaded, dataset) for name, dataset in datasets.items()}
    run = record(loaded, source, outcomes, seen)
    create_markdown_artifact(key=f"{loaded.company}-report", markdown=_report_text(run))
    return run


@flow(name="backfill", validate_parameters=False)
def backfill(
    config: Path, data: Path | None = None, as_of: date | None = None, count: int = 12
) -> Backfill:
    """Publish a snapshot for each of the last as-of dates before this one."""
    loaded = read_config(Path(config), data=data)
    return publish_past(loaded, open_tables(loaded, as_of), count)


@flow(name="score", validate_parameters=False)
def score(
    config: Path,
    data: Path | None = None,
    as_of: date | None = None,
    replace: bool = False,
    force: bool = False,
) -> Published:
    """Score all customers of the company in a YAML file and publish a snapshot.

    With ``force`` also one that a gate would hold back.
    """
    loaded = read_config(Path(config), data=data)
    check_served(Home.from_environment(), loaded.company, replace=replace)
    source = open_tables(loaded, as_of)
    population = build_customers(source)
    snapshot = score_customers(loaded, population)
    snapshot = compare_with_past(loaded, source, snapshot)
    snapshot = gather_pages(loaded, source, population, snapshot)
    published = publish_snapshot(loaded, snapshot, force=force)
    create_table_artifact(key=f"{loaded.company}-ranking", table=_ranking_rows(published.snapshot))
    return published


def _log() -> Progress:
    return get_run_logger().info


def _report_text(run: TrainingRun) -> str:
    lines = ["| model | verdict | AUC | interval | average precision |", "|---|---|---|---|---|"]
    for name, outcome in run.outcomes.items():
        if isinstance(outcome, Skipped):
            lines.append(f"| {name} | skipped: {outcome.reason} | | | |")
            continue
        auc, precision = outcome.report.skill.auc, outcome.report.skill.average_precision
        lines.append(
            f"| {name} | {outcome.report.decision.verdict} | {auc.value:.3f} "
            f"| {auc.low:.3f} to {auc.high:.3f} | {precision.value:.3f} |"
        )
    return "\n".join(lines)


def _ranking_rows(snapshot: Snapshot) -> list[list[Any]]:  # Any: cells of the artifact's table
    header = ["account_id", "arr", "decision_date", "loss_probability", "arr_at_risk", "driver"]
    ranked = sorted(snapshot.scores, key=ranking_key)[:RANKING_ROWS]
    rows = [
        [
            score.account_id,
            score.arr,
            score.decision_date.isoformat() if score.decision_date else None,
            score.loss_probability,
            score.arr_at_risk,
            score.drivers[0].text if score.drivers else None,
        ]
        for score in ranked
    ]
    return [header, *rows]
