"""``keepwell demo``: the whole way on a made-up company whose true risk is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from models.bootstrap import Estimate
from models.metric import auc_with_interval
from models.recipe import Trained
from models.registry import tracking_uri
from pipelines.config import read_config
from pipelines.demo.company import generate_company
from pipelines.home import Home, prepare_environment
from pipelines.presentation import make_console, show_ranking, show_training
from pipelines.progress import show_progress
from pipelines.scoring import score_company
from pipelines.source import open_company
from pipelines.training import TrainingRun, train_company

CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"
MONTHLY = "1"


def run_demo(*, show: bool) -> dict[str, object]:
    """Make the company, train, score and publish; the JSON of ``keepwell run`` with the ceilings.

    Parameters
    ----------
    show : bool
        Whether to print the ranking, the metrics and what to do next.
    """
    home = Home.from_environment()
    prepare_environment(home)
    with show_progress() as progress:
        generate_company(home.demo, progress=progress)
        config = read_config(CONFIG, data=home.demo)
        source = open_company(config, home, progress=progress)
        run = train_company(config, source, home, progress=progress)
        ceilings = measure_ceilings(run, home.demo)
        published = score_company(
            config, source, home, population=run.population, progress=progress
        )
    if show:
        console = make_console()
        show_ranking(console, published.snapshot)
        show_training(
            console,
            run.outcomes,
            {
                name: {title: _spell(pair) for title, pair in found.items()}
                for name, found in ceilings.items()
            },
        )
        console.print(_next_steps(home), markup=False)
    found = {
        name: {title: pair[1].value for title, pair in pairs.items()}
        for name, pairs in ceilings.items()
    }
    return {**run.to_json(), **published.to_json(), "ceilings": found}


def measure_ceilings(
    run: TrainingRun, company: Path
) -> dict[str, dict[str, tuple[Estimate, Estimate]]]:
    """AUC of the model and of the true risk on the same test rows, by model and kind of row.

    The true risk is what the generator knew of each account on the date, no more: nobody can rank
    better than it, but for chance. For churn it is also given on monthly terms alone, since over a
    mix of terms the days to renewal give much of it away.

    Parameters
    ----------
    run : TrainingRun
    company : Path
        Folder of the demo company.
    """
    truth = pd.read_parquet(company / "truth" / "risk.parquet")
    truth["as_of"] = truth["as_of"].astype("datetime64[s]")
    found: dict[str, dict[str, tuple[Estimate, Estimate]]] = {}
    for name, outcome in run.outcomes.items():
        if not isinstance(outcome, Trained):
            continue
        rows = outcome.report.predictions
        keys = ["account_id", "as_of"] + (["contract_id"] if name == "renewal" else [])
        known = truth[truth["kind"] == name][[*keys, "risk"]]
        rows = rows.merge(known, on=keys, how="inner", validate="one_to_one")
        parts = {"true risk, same rows": rows}
        if "billing_period_months" in rows:
            parts["true risk, monthly billed"] = rows[rows["billing_period_months"] == MONTHLY]
        found[name] = {title: _both(part) for title, part in parts.items()}
    return found


def _both(rows: pd.DataFrame) -> tuple[Estimate, Estimate]:
    """AUC of the model's probability and of the true risk."""
    label = rows["label"].to_numpy(dtype=float)
    as_of, group = rows["as_of"], rows["group_id"]
    model, risk = (
        auc_with_interval(label, rows[name].to_numpy(dtype=float), as_of, group)
        for name in ("probability", "risk")
    )
    return model, risk


def _spell(pair: tuple[Estimate, Estimate]) -> str:
    model, risk = pair
    return f"{risk.value:.3f} (model there {model.value:.3f})"


def _next_steps(home: Home) -> str:
    """Commands that work when they are pasted into the shell that ran the demo."""
    programs = Path(sys.executable).parent
    if programs.is_relative_to(Path.cwd()):
        programs = programs.relative_to(Path.cwd())
    return f"""
The company is made up: these figures show that the program works, not that a model is good.
Serve the ranking:  {programs / "keepwell"} serve
           and ask  curl "http://127.0.0.1:8000/v1/accounts?limit=3"
Open MLflow:        {programs / "mlflow"} ui --backend-store-uri {tracking_uri(home.folder)}
Open Prefect:       PREFECT_HOME={home.folder / "prefect"} {programs / "prefect"} server start
   and train there  PREFECT_API_URL=http://127.0.0.1:4200/api {programs / "keepwell"} run \\
                      --config configs/demo.yaml --data {home.demo}"""
