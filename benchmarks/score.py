"""Scoring 20,000 accounts with their drivers in words against a bare ``pred_contrib``.

Run with ``make bench ONLY=score``; the limit is 1.1 times (``ratio``). The accounts are the demo
company's customers, repeated. Scored is all from their feature rows on: encoding, contributions,
calibration, states, tiers, and the strongest drivers in words; against ``Booster.predict`` with
``pred_contrib`` on the encoded matrix of every model. A score run explains only the rows that it
publishes, one of each account; ``of_published`` is its time against ``pred_contrib`` on those
alone. Intervals of the probabilities are other models' work and counted apart
(``with_intervals``). By CPU, all sides the cheapest of alternating runs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.workload.demo import build_demo
from features.dataset import Dataset, ModelName
from models.account_score import STATES_AT_RISK
from models.refit import fit_refits
from models.settings import TrainingSettings
from models.tier import Thresholds
from models.training import fit_model
from pipelines.account_score import score_accounts
from pipelines.config import Config
from pipelines.population import (
    Model,
    Population,
    build_population,
    lead_prediction,
    predict,
)
from pipelines.source import model_table

LIMIT = 1.1
ACCOUNTS = 20_000
ROUNDS = 5
THRESHOLDS = Thresholds(high=0.5, medium=0.2)


def main() -> None:
    """Print the figures as one JSON line."""
    config, source, _, datasets = build_demo()
    models = {name: _fit(dataset, config) for name, dataset in datasets.items()}
    plain = {name: model._replace(refits=None) for name, model in models.items()}
    population = _repeat(build_population(source, source.data_end))
    matrices = {
        name: model.predictor.encoding.encode(population.datasets[name].features)
        for name, model in models.items()
    }

    def score(by: Mapping[ModelName, Model]) -> None:
        score_accounts(config, population, by, thresholds=THRESHOLDS, previous={})

    def bare(of: Mapping[ModelName, pd.DataFrame]) -> None:
        for name, matrix in of.items():
            models[name].predictor.booster.predict(matrix, pred_contrib=True, num_threads=1)

    published = _published(config, population, plain, matrices)
    runs = [
        (
            _cpu(lambda: score(plain)),
            _cpu(lambda: bare(matrices)),
            _cpu(lambda: bare(published)),
            _cpu(lambda: score(models)),
        )
        for _ in range(ROUNDS)
    ]
    ours, contributions, fewer, whole = (min(figures) for figures in zip(*runs, strict=True))
    print(
        json.dumps(
            {
                "benchmark": "score",
                "ratio": round(ours / contributions, 3),
                "limit": LIMIT,
                "against": "Booster.predict(pred_contrib=True) on the same matrices",
                "score_cpu_s": round(ours, 3),
                "bare_cpu_s": round(contributions, 3),
                "of_published": round(ours / fewer, 3),
                "with_intervals": round(whole / contributions, 3),
                "accounts": len(population.states),
                "rows": {name: len(matrix) for name, matrix in matrices.items()},
                "published_rows": {name: len(matrix) for name, matrix in published.items()},
                "trees": {name: m.predictor.booster.num_trees() for name, m in models.items()},
                "rounds": ROUNDS,
            }
        )
    )


def _published(
    config: Config,
    population: Population,
    models: Mapping[ModelName, Model],
    matrices: Mapping[ModelName, pd.DataFrame],
) -> dict[ModelName, pd.DataFrame]:
    """The rows of the matrices that lead an account, which are those that a score run explains."""
    predictions = predict(population, models, rules=config.abstention)
    leads = [
        lead_prediction(state, predictions)
        for state in population.accounts
        if state["state"] in STATES_AT_RISK
    ]
    rows = {name: [lead[1].row for lead in leads if lead and lead[0] == name] for name in matrices}
    return {name: matrix.iloc[rows[name]] for name, matrix in matrices.items()}


def _fit(dataset: Dataset, config: Config) -> Model:
    table = model_table(dataset, config)
    mature = table.part(table.mature)
    recipe = TrainingSettings()  # the demo's own is cut short
    fitted = fit_model(mature, settings=recipe)
    return Model(fitted.predictor, fit_refits(mature, fitted, settings=recipe))


def _repeat(population: Population) -> Population:
    """The customers again and again under other ids, until there are enough."""
    times = -(-ACCOUNTS // len(population.states))
    states = pd.concat([_copy(population.states, number) for number in range(times)])
    states = states.head(ACCOUNTS).reset_index(drop=True)
    kept = set(states["account_id"])
    datasets = {}
    for name, dataset in population.datasets.items():
        rows = pd.concat([_copy(dataset.rows, number) for number in range(times)])
        chosen = rows["account_id"].isin(kept).to_numpy(np.bool_)
        features = _again(dataset.features, times, chosen)
        past = None if dataset.past is None else _again(dataset.past, times, chosen)
        rows = rows[chosen].reset_index(drop=True)
        datasets[name] = replace(dataset, rows=rows, features=features, past=past)
    return Population(population.as_of, states, datasets)


def _again(frame: pd.DataFrame, times: int, chosen: npt.NDArray[np.bool_]) -> pd.DataFrame:
    return pd.concat([frame] * times)[chosen].reset_index(drop=True)


def _copy(frame: pd.DataFrame, number: int) -> pd.DataFrame:
    """Rows of other accounts and contracts, otherwise the same."""
    ids = {name: [v and f"{v}~{number}" for v in frame[name]] for name in _KEYS}
    return frame.assign(**{k: pd.Series(v, frame.index, dtype=object) for k, v in ids.items()})


_KEYS = ("account_id", "contract_id")


def _cpu(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
