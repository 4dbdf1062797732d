"""``keepwell demo``: the whole way on a made-up company whose true risk is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from features.source import Source
from models.bootstrap import Estimate
from models.metric import auc_with_interval
from models.registry import tracking_uri
from models.trained import Trained
from pipelines.backfill import backfill_company
from pipelines.config import Config, read_config
from pipelines.demo.company import generate_company
from pipelines.demo_warning import CauseRecord, measure_causes, show_causes
from pipelines.demo_work import work_on_demo
from pipelines.home import Home, prepare_environment
from pipelines.last_verdict import read_refusals
from pipelines.presentation import make_console, show_ranking, show_training
from pipelines.progress import show_progress
from pipelines.scoring import score_company
from pipelines.served import MADE_UP, check_served
from pipelines.source import open_company
from pipelines.training import TrainingRun, train_company

CONFIG = Path(__file__).parents[1] / "configs" / "demo.yaml"
MONTHLY = "1"
MONTHS = 12  # of past snapshots, so that trends and what became of them have something behind them


def run_demo(*, show: bool, replace: bool = False) -> dict[str, object]:
    """Make the company, train, score and publish; the JSON of ``keepwell run`` with the ceilings.

    Parameters
    ----------
    show : bool
        Whether to print the ranking, the metrics and what to do next.
    replace : bool
        Whether to publish even where a company is served.
    """
    home = Home.from_environment()
    prepare_environment(home)
    check_served(home, MADE_UP, replace=replace)
    with show_progress() as progress:
        generate_company(home.demo, progress=progress)
        config = read_config(CONFIG, data=home.demo)
        source = open_company(config, home, progress=progress)
        run = train_company(config, source, home, progress=progress)
        ceilings = measure_ceilings(run, home.demo)
        held = measure_coverage(run, home.demo)
        causes = warned_causes(run, config, source, home.demo)
        past = backfill_company(
            config, source, home, count=MONTHS, rows=run.rows, progress=progress
        )
        published = score_company(
            config, source, home, population=run.population, rows=run.rows, progress=progress
        )
    # Where another company was served, people's own work may lie in the service store.
    steps = 0 if replace else work_on_demo(home, config, today=datetime.now(UTC).date())
    if show:
        console = make_console()
        show_ranking(console, published.snapshot, refusals=read_refusals(home, config.company))
        show_training(
            console,
            run.outcomes,
            {
                name: {title: _spell(pair) for title, pair in found.items()}
                for name, found in ceilings.items()
            },
        )
        console.print(_spell_coverage(held), markup=False)
        console.print(show_causes(causes))
        for line in past.to_lines():
            console.print(line, markup=False)
        console.print(_spell_work(steps), markup=False)
        console.print(_next_steps(home), markup=False)
    found = {
        name: {title: pair[1].value for title, pair in pairs.items()}
        for name, pairs in ceilings.items()
    }
    coverage = {"true_risk_in_interval": held}
    by_cause = {cause: record.to_json() for cause, record in causes.items()}
    return {
        **run.to_json(),
        **published.to_json(),
        **past.to_json(),
        "ceilings": found,
        **coverage,
        "warnings_by_cause": by_cause,
        "playbook_steps": steps,
    }


def warned_causes(
    run: TrainingRun, config: Config, source: Source, company: Path
) -> dict[str, CauseRecord]:
    """How the losses of each true cause were warned of; empty where nothing was watched."""
    if run.warned is None:
        return {}
    return measure_causes(
        run.warned,
        company,
        data_end=pd.Timestamp(source.data_end),
        runs_to_close=config.warnings.runs_to_close,
    )


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
    found: dict[str, dict[str, tuple[Estimate, Estimate]]] = {}
    for name, rows in _rows_with_truth(run, company):
        parts = {"true risk, same rows": rows}
        if "billing_period_months" in rows:
            parts["true risk, monthly billed"] = rows[rows["billing_period_months"] == MONTHLY]
        found[name] = {title: _both(part) for title, part in parts.items()}
    return found


def measure_coverage(run: TrainingRun, company: Path) -> dict[str, float | None]:
    """Share of the test rows whose interval holds the true risk, 0-1, by model.

    An interval knows the chance of which accounts were in the training data, not the causes that
    leave no trace in the tables; here one can see how much that leaves out.

    Parameters
    ----------
    run, company
        As for `measure_ceilings`.

    Returns
    -------
    dict of str to float or None
        None where there were no refits.
    """
    found: dict[str, float | None] = {}
    for name, rows in _rows_with_truth(run, company):
        low, high = rows["probability_low"], rows["probability_high"]
        held = (low <= rows["risk"]) & (rows["risk"] <= high)
        found[name] = None if low.isna().all() else float(held.mean())
    return found


def _rows_with_truth(run: TrainingRun, company: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """The test rows of each trained model with the ``risk`` that the generator knew of."""
    truth = pd.read_parquet(company / "truth" / "risk.parquet")
    truth["as_of"] = truth["as_of"].astype("datetime64[s]")
    for name, outcome in run.outcomes.items():
        if isinstance(outcome, Trained):
            keys = ["account_id", "as_of"] + (["contract_id"] if name == "renewal" else [])
            known = truth[truth["kind"] == name][[*keys, "risk"]]
            rows = outcome.report.predictions
            yield name, rows.merge(known, on=keys, how="inner", validate="one_to_one")


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


def _spell_coverage(held: Mapping[str, float | None]) -> str:
    """What the intervals leave out, in a sentence; nothing where there are none."""
    told = [f"{share:.0%} ({name})" for name, share in held.items() if share is not None]
    if not told:
        return ""
    return (
        f"The intervals hold the true risk of {', '.join(told)} of the test rows: they tell what "
        "other accounts\nin the training data would change, not what the tables do not show."
    )


def _spell_work(steps: int) -> str:
    return (
        f"{steps} steps of work with playbooks were put down for people who are made up too: what "
        "they did\nabout the warnings of each ranking. It changed nothing, so there is no effect."
    )


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
