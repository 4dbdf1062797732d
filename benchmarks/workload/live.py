"""A model of the demo company as a promoted bundle, and what scores its rows elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.workload.api import Running, free_port
from benchmarks.workload.demo import build_demo
from models.bundle import LIBRARIES, feature_columns, write_bundle
from models.calibration import Calibration
from models.card import Card, CardCalibration, CardThresholds
from models.champion import bundle_folder, promote
from models.encoding import fit_encoding
from models.monotone import constrain
from models.predictor import Predictor
from models.training import booster_parameters, fit_booster
from pipelines.source import model_table

COMPANY = "bench"  # as in the benchmark's snapshot
ROWS = 100
CALIBRATION = Calibration(0.9, -0.1)
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


@dataclass(frozen=True, eq=False)
class Workload:
    """A model and rows for it.

    Parameters
    ----------
    predictor : Predictor
        Churn, of all mature rows of the demo company.
    matrix : DataFrame, (100, k)
        Encoded rows.
    by_name, by_name_short, by_column : bytes
        The same rows in both ways in which the API takes them; all but the first ask for drivers
        alone, without sums by group.
    """

    predictor: Predictor
    matrix: pd.DataFrame
    by_name: bytes
    by_name_short: bytes
    by_column: bytes


def make_workload(home: Path, *, trees: int) -> Workload:
    """The churn model of the demo company with so many trees, promoted in a home."""
    config, _, _, datasets = build_demo()
    dataset = datasets["churn"]
    table = model_table(dataset, config)
    mature = table.part(table.mature)
    encoding, _ = fit_encoding(mature.features)
    matrix = encoding.encode(mature.features)
    params = booster_parameters(config.training, rows=len(mature))
    params = constrain(params, encoding, mature.traits)
    label, categories = mature.label, list(encoding.categories)
    booster = fit_booster(matrix, label, params, trees=trees, categories=categories)
    predictor = Predictor(booster, encoding, CALIBRATION)
    groups = {name: trait.group for name, trait in mature.traits.items()}
    write_bundle(
        bundle_folder(home, COMPANY, "churn", "1"),
        predictor=predictor,
        judged=predictor,
        card=_card(predictor, groups),
        golden=mature.features.iloc[:8],
    )
    promote(home, COMPANY, "churn", "1")
    places = np.linspace(0, len(mature) - 1, ROWS).astype(int)
    chosen = mature.features.iloc[places][list(encoding.columns)]
    rows = [
        {name: _plain(value) for name, value in row.items()}
        for row in chosen.astype(object).to_dict("records")
    ]
    lean = [{name: value for name, value in row.items() if value is not None} for row in rows]
    columns = {
        "groups": False,
        "columns": list(encoding.columns),
        "rows": [list(row.values()) for row in rows],
    }
    return Workload(
        predictor,
        encoding.encode(chosen),
        by_name=_to_json({"rows": lean}),
        by_name_short=_to_json({"groups": False, "rows": lean}),
        by_column=_to_json(columns),
    )


def family(process_id: int) -> list[int]:
    """A process and all that it started."""
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except FileNotFoundError:  # it has ended
        return []
    return [process_id, *(one for child in children for one in family(int(child)))]


@contextmanager
def running_mlflow(workload: Workload, folder: Path) -> Iterator[Running]:
    """``mlflow models serve`` on the same booster, ready to answer."""
    import mlflow.lightgbm

    mlflow.lightgbm.save_model(workload.predictor.booster, str(folder / "model"))
    port = free_port()
    tools = Path(sys.executable).parent
    command = [str(tools / "mlflow"), "models", "serve", "-m", str(folder / "model")]
    command += ["--env-manager", "local", "--port", str(port)]
    # It finds uvicorn by the path alone.
    environment = {**os.environ, **QUIET, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    with (
        (folder / "mlflow.log").open("wb") as log,
        subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            _wait_for_ping(port, process)
            yield Running(process.pid, port, "")
        finally:
            for one in reversed(family(process.pid)):
                os.kill(one, 15)


def mlflow_body(workload: Workload) -> bytes:
    """The rows as ``/invocations`` takes them."""
    known = workload.matrix.fillna({n: 0.0 for n, c in workload.matrix.items() if c.isna().all()})
    columns = list(known.columns)  # a column of nulls alone would be none of numbers there
    cells = [[None if v != v else v for v in row] for row in known.to_numpy().tolist()]
    return json.dumps({"dataframe_split": {"columns": columns, "data": cells}}).encode()


def _wait_for_ping(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            connection.close()
    raise RuntimeError("mlflow ended before it answered")


def _to_json(document: dict[str, object]) -> bytes:
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    """A cell as JSON has it."""
    if isinstance(value, str) or value is None:
        return value
    number = float(value)  # type: ignore[arg-type]  # a cell is text, a number or nothing
    if number != number:
        return None
    return int(number) if number == round(number) and abs(number) < 1e15 else number


def _card(predictor: Predictor, groups: dict[str, str]) -> Card:
    return Card(
        company=COMPANY,
        model="churn",
        version="1",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        features=feature_columns(predictor.encoding, groups),
        calibration=CardCalibration(slope=CALIBRATION.slope, intercept=CALIBRATION.intercept),
        thresholds=CardThresholds(high=0.5, medium=0.2),
        first_as_of=None,
        last_as_of=None,
        data_end=None,
        rows=0,
        positives=0,
        horizon_days=90,
        lead_days=0,
        label="",
        metrics={},
        params={},
        versions=dict.fromkeys(LIBRARIES, ""),
        git_commit=None,
        data_hash="",
        config_hash="",
    )
