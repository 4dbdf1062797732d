"""One fit as the product does it against a bare ``lightgbm.train``, and what tracking adds.

Run with ``make bench ONLY=train``; the limits are 1.15 times the bare fit (``ratio``) and 2 s for
the record in MLflow (``tracking_s``). The fit is the churn model of the demo company: from the
feature rows, encoding and directions with it, against the same matrix, parameters and trees. By
CPU, both sides the cheapest of alternating runs; tracking by the clock.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.workload.demo import build_demo
from models.encoding import fit_encoding
from models.monotone import constrain
from models.plot import draw_plots
from models.recipe import train_model
from models.registry import prepare_store, record_training
from models.table import ModelTable
from models.trained import Trained
from models.training import Parameters, booster_parameters, fit_booster
from pipelines.promotion import describe_provenance
from pipelines.source import model_table

LIMIT, TRACKING_LIMIT_S = 1.15, 2.0
ROUNDS = 7


def main() -> None:
    """Print the figures as one JSON line."""
    config, source, home, datasets = build_demo()
    table = model_table(datasets["churn"], config)
    trained = train_model(table, config)
    if not isinstance(trained, Trained):
        raise SystemExit(f"the demo company gives no churn model: {trained.reason}")
    mature = table.part(table.mature)
    trees = int(trained.shipped.params["num_iterations"])
    params = booster_parameters(config.training, rows=len(mature))
    ours, bare = _compare(mature, params, trees)
    with TemporaryDirectory() as folder:
        plots = draw_plots(trained, Path(folder))
        shutil.rmtree(home.folder / "mlflow", ignore_errors=True)
        prepare_store(home.folder)
        provenance = describe_provenance(config, source, "churn")
        begun, cpu = time.perf_counter(), time.process_time()
        record_training(home.folder, trained, provenance, plots=plots)
        tracking, tracking_cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(
        json.dumps(
            {
                "benchmark": "train",
                "ratio": round(ours / bare, 3),
                "limit": LIMIT,
                "against": "lightgbm.train on the same matrix",
                "fit_cpu_s": round(ours, 3),
                "bare_cpu_s": round(bare, 3),
                "tracking_s": round(tracking, 2),
                "tracking_cpu_s": round(tracking_cpu, 2),
                "tracking_limit_s": TRACKING_LIMIT_S,
                "rows": len(mature),
                "features": len(trained.shipped.predictor.encoding.columns),
                "trees": trees,
                "rounds": ROUNDS,
            }
        )
    )


def _compare(table: ModelTable, params: Parameters, trees: int) -> tuple[float, float]:
    """CPU seconds of the product's fit and of the bare one, each the least of its runs."""
    import lightgbm as lgb

    encoding, _ = fit_encoding(table.features)
    matrix, label = encoding.encode(table.features), table.label
    categories, same = list(encoding.categories), constrain(params, encoding, table.traits)

    def ours() -> None:
        found, _ = fit_encoding(table.features)
        fit_booster(
            found.encode(table.features),
            table.label,
            constrain(params, found, table.traits),
            trees=trees,
            categories=list(found.categories),
        )

    def bare() -> None:
        dataset = lgb.Dataset(matrix, label, categorical_feature=categories)
        lgb.train(same, dataset, num_boost_round=trees)

    runs = [(_cpu(ours), _cpu(bare)) for _ in range(ROUNDS)]
    return min(run[0] for run in runs), min(run[1] for run in runs)


def _cpu(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
