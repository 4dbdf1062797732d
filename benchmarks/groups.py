"""Which groups of features earn their keep: the AUC without each of them, on the test rows.

Run with ``python -m benchmarks.groups [CONFIG]``, by default on the demo. The model is fitted
anew without the group, on the same rows; ``difference`` is the AUC with all features less that
without the group, paired, with its 95 % interval from a bootstrap over accounts.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from features.dataset import Dataset, build_datasets
from models.bootstrap import Estimate, draw_groups
from models.ranking import Ranked, rank_auc
from models.split import split_rows
from models.table import ModelTable
from models.training import fit_model
from pipelines.config import Config, read_config
from pipelines.demo.company import generate_company
from pipelines.demonstration import CONFIG
from pipelines.home import Home, prepare_environment
from pipelines.source import model_table, open_company

USE = ("activity", "value", "trend", "adoption", "onboarding")


def judge_groups(dataset: Dataset, config: Config) -> dict[str, dict[str, object]]:
    """The AUC with all features, and without each group."""
    table = model_table(dataset, config)
    split = split_rows(table, test_from=config.split.test_from)
    train, test = table.part(split.train), table.part(split.test)
    groups = dataset.catalogue.groups
    whole = _auc(train, test, config, list(groups))
    found: dict[str, dict[str, object]] = {
        "all": {"features": len(groups), "auc": _said(whole.estimate)}
    }
    left_out: dict[str, tuple[str, ...]] = {group: (group,) for group in groups.values()}
    left_out |= {"all of usage": USE, "usage and measures": (*USE, "measures")}
    for title, members in left_out.items():
        kept = [name for name, group in groups.items() if group not in members]
        ranked = _auc(train, test, config, kept)
        found[f"without {title}"] = {
            "features": len(kept),
            "auc": _said(ranked.estimate),
            "difference": _said(whole.minus(ranked)),
        }
    return found


def _auc(train: ModelTable, test: ModelTable, config: Config, names: list[str]) -> Ranked:
    train, test = (replace(part, features=part.features[names]) for part in (train, test))
    predictor = fit_model(train, settings=config.training).predictor
    raw = predictor.raw(predictor.encoding.encode(test.features))
    training = config.training
    draws = draw_groups(test.group, replicates=training.replicates, seed=training.seed)
    return rank_auc(test.label, raw, test.rows["as_of"].to_numpy(), draws)


def _said(estimate: Estimate) -> list[float]:
    return [round(figure, 3) for figure in (estimate.value, estimate.low, estimate.high)]


def main() -> None:
    """Print one JSON line: by model and group the AUC with its interval."""
    home = Home.from_environment()
    prepare_environment(home)
    if sys.argv[1:]:
        config = read_config(Path(sys.argv[1]))
    else:
        generate_company(home.demo)
        config = read_config(CONFIG, data=home.demo)
    datasets = build_datasets(open_company(config, home), slices=config.slices)
    models = {name: judge_groups(dataset, config) for name, dataset in datasets.items()}
    print(json.dumps({"benchmark": "groups", "company": config.company, "models": models}))


if __name__ == "__main__":
    main()
