"""MLflow: the only module that knows it. Runs, registered models and the alias ``champion``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from features.errors import InputError, Problem, TransientError
from models.bundle import Provenance
from models.lock import hold
from models.trained import Trained

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

ALIAS = "champion"
QUIET_LOGGERS = ("mlflow", "alembic")


def tracking_uri(home: Path) -> str:
    """Address of the store under the home, for ``mlflow ui --backend-store-uri``."""
    return f"sqlite:///{home.resolve() / 'mlflow' / 'mlflow.db'}"


def registered_name(company: str, model: str) -> str:
    """Name of a model in the registry."""
    return f"{company}-{model}"


def record_training(
    home: Path,
    trained: Trained,
    provenance: Provenance,
    *,
    plots: Sequence[Path] = (),
    pages: Mapping[str, str] | None = None,
) -> str:
    """Record a training, register the shipped model and return its version.

    The alias ``champion`` stays where it is, see `set_champion`.

    Parameters
    ----------
    home : Path
        Keepwell's home; the store is made at first use.
    trained : Trained
        What to record.
    provenance : Provenance
        Where it comes from.
    plots : sequence of Path
        Pictures to keep with the run.
    pages : mapping of str to str
        Texts to keep with the run, by file name.
    """
    with _store(home) as client:
        experiment = _experiment(client, provenance.company, home)
        run = client.create_run(
            experiment,
            start_time=int(provenance.created_at.timestamp() * 1000),
            run_name=f"{trained.model} {provenance.created_at:%Y-%m-%d %H:%M}",
            tags=_tags(trained, provenance),
        ).info.run_id
        _log_figures(client, run, trained)
        client.log_text(run, provenance.config_text, "config.yaml")
        client.log_dict(run, trained.report.to_json(), "report.json")
        for name, text in (pages or {}).items():
            client.log_text(run, text, name)
        for plot in plots:
            client.log_artifact(run, str(plot), "plots")
        version = _register(client, run, trained, provenance)
        client.set_terminated(run)
        return version


def prepare_store(home: Path) -> None:
    """Make the store under the home; the first time takes seconds, so begin it early.

    Raises
    ------
    InputError
        When the store's file is damaged.
    TransientError
        When it is locked, or another run is making it and does not come to an end.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import DatabaseError, OperationalError

    # MLflow's migrations of one new store collide.
    lock = home / "mlflow" / "making.lock"
    with hold(lock, what=f"the MLflow store under {home} is being made"):
        try:
            with _store(home):
                pass
        except OperationalError as error:
            said = str(error).splitlines()[0]
            raise TransientError(f"the MLflow store under {home} cannot be used: {said}") from error
        except (DatabaseError, MlflowException) as error:
            raise InputError([_damaged(home, error)]) from error


def _damaged(home: Path, error: Exception) -> Problem:
    file = home.resolve() / "mlflow" / "mlflow.db"
    rule = f"is no MLflow store that can be read: {str(error).splitlines()[0]}"
    remedy = "bring back a copy of it, or move it away: the next training makes a new one"
    return Problem(str(file), "", rule, remedy=remedy)


def set_champion(home: Path, company: str, model: str, version: str) -> None:
    """Move the alias ``champion`` to a version, once its bundle is written and in use."""
    with _store(home) as client:
        client.set_registered_model_alias(registered_name(company, model), ALIAS, version)


def champion_version(home: Path, company: str, model: str) -> str | None:
    """Version that the alias ``champion`` points to; None when none was promoted."""
    from mlflow.exceptions import MlflowException

    with _store(home) as client:
        try:
            found = client.get_model_version_by_alias(registered_name(company, model), ALIAS)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return str(found.version)


@contextmanager
def _store(home: Path) -> Iterator[MlflowClient]:
    """A client of the store under the home, and quiet; the process's own address is not used."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    import mlflow

    levels = {name: logging.getLogger(name).level for name in QUIET_LOGGERS}
    (home / "mlflow").mkdir(parents=True, exist_ok=True)
    try:
        for name in QUIET_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        yield mlflow.MlflowClient(tracking_uri(home))
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _experiment(client: MlflowClient, company: str, home: Path) -> str:
    from mlflow.exceptions import MlflowException

    artifacts = home.resolve() / "mlflow" / "artifacts"
    try:
        return str(client.create_experiment(company, artifact_location=artifacts.as_uri()))
    except MlflowException as error:
        # Looked for second: two models of one company may be recorded at the same time.
        found = client.get_experiment_by_name(company)
        if found is None:
            raise
        if found.lifecycle_stage == "deleted":
            raise InputError([_deleted(company)]) from error
        return str(found.experiment_id)


def _deleted(company: str) -> Problem:
    return Problem(
        table="mlflow",
        column="",
        rule=f"the experiment {company} was deleted",
        remedy="restore it with `mlflow experiments restore`",
    )


def _tags(trained: Trained, provenance: Provenance) -> dict[str, str]:
    decision = trained.report.decision
    return {
        "mlflow.source.name": "keepwell",
        "mlflow.source.git.commit": provenance.git_commit or "unknown",
        "company": provenance.company,
        "model": trained.model,
        "data_hash": provenance.data_hash,
        "verdict": decision.verdict,
        "promoted": str(decision.promoted).lower(),
        "reasons": "; ".join(decision.reasons),
    }


def _log_figures(client: MlflowClient, run: str, trained: Trained) -> None:
    from mlflow.entities import Metric, Param

    shipped, temporal = trained.shipped, trained.report.temporal
    at = int(client.get_run(run).info.start_time)
    figures = _figures(trained.report.to_json())
    texts = {
        **{name: str(value) for name, value in shipped.params.items()},
        "split": trained.report.split,
        **({"test_from": f"{trained.report.test.first:%Y-%m-%d}"} if temporal else {}),
        "features": str(len(shipped.predictor.encoding.columns)),
        "rows_shipped": str(shipped.rows),
    }
    client.log_batch(
        run,
        metrics=[Metric(name, value, at, 0) for name, value in figures.items()],
        params=[Param(name, value) for name, value in texts.items()],
    )


def _figures(found: dict[str, object], prefix: str = "") -> dict[str, float]:
    """Every known number of the report's JSON but the slices', by path."""
    figures: dict[str, float] = {}
    for name, value in found.items():
        if isinstance(value, dict) and name != "slices":
            figures |= _figures(value, f"{prefix}{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            figures[f"{prefix}{name}"] = float(value)
        elif name.endswith("interval") and isinstance(value, list):
            figures[f"{prefix}{name}.low"], figures[f"{prefix}{name}.high"] = value
    return figures


def _register(client: MlflowClient, run: str, trained: Trained, provenance: Provenance) -> str:
    name = registered_name(provenance.company, trained.model)
    model_id, source = _log_model(client, run, trained)
    if not client.search_registered_models(filter_string=f"name = '{name}'"):
        client.create_registered_model(name)
    registered = client.create_model_version(
        name, source, run_id=run, model_id=model_id, tags=_tags(trained, provenance)
    )
    return str(registered.version)


def _log_model(client: MlflowClient, run: str, trained: Trained) -> tuple[str, str]:
    """Keep the booster as text with the run; its MLflow id and where it lies."""
    from importlib.metadata import version

    from mlflow import lightgbm
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    # Through the client and not `log_model`: that one needs the process's global address.
    experiment = client.get_run(run).info.experiment_id
    logged = client.create_logged_model(experiment, name="model", source_run_id=run)
    with TemporaryDirectory() as folder:
        # Without requirements MLflow finds them by loading the model in a new process: 7 s.
        lightgbm.save_model(
            trained.shipped.predictor.booster,
            folder,
            signature=_signature(trained),
            pip_requirements=[f"lightgbm=={version('lightgbm')}"],
        )
        client.log_model_artifacts(logged.model_id, folder)
    client.finalize_logged_model(logged.model_id, LoggedModelStatus.READY)
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
    return str(logged.model_id), str(logged.artifact_location)


def _signature(trained: Trained) -> ModelSignature:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    columns = trained.shipped.predictor.encoding.columns
    return ModelSignature(
        Schema([ColSpec(DataType.double, name) for name in columns]),
        Schema([ColSpec(DataType.double)]),
    )
