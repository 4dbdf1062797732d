"""What ``keepwell backtest`` shows people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from models.backtest import Backtest
from models.baseline import title_of
from models.settings import CostSettings
from models.skill import Skill
from models.stability import Stability
from models.top import NO_COSTS, say_costs
from models.trained import Skipped
from pipelines.backtest import BacktestRun
from pipelines.presentation import show_weaknesses, spell, verdict
from pipelines.warning_record import show_record


def show_backtest(
    console: Console, run: BacktestRun, *, currency: str, costs: CostSettings = NO_COSTS
) -> None:
    """The verdict of each model first, then its figures over time, by slice and by age.

    Parameters
    ----------
    console : Console
    run : BacktestRun
    currency : str
        Of the money figures.
    costs : CostSettings
        Behind the profit of acting.
    """
    if run.shuffled:
        console.print("labels shuffled within each as-of date: whatever is found here is noise")
    for name, outcome in run.outcomes.items():
        console.print(f"[bold]{name}[/bold]: {_verdict(outcome)}")
        if isinstance(outcome, Backtest):
            show_weaknesses(console, outcome.weaknesses)
    for name, outcome in run.outcomes.items():
        if isinstance(outcome, Backtest):
            _show_model(console, outcome, run.stability.get(name), currency)
    if run.warnings is not None:
        show_record(console, run.warnings)
    if any(isinstance(outcome, Backtest) for outcome in run.outcomes.values()):
        console.print(say_costs(costs, currency), markup=False, soft_wrap=True)


def _verdict(outcome: Backtest | Skipped) -> str:
    return verdict(outcome) if isinstance(outcome, Skipped) else outcome.decision.verdict


def _show_model(console: Console, found: Backtest, weekly: Stability | None, currency: str) -> None:
    console.print(_folds(found))
    console.print(_tops(found.pooled.skill, currency))
    console.print(_comparisons(found))
    skill = found.pooled.skill
    console.print(
        f"  calibration slope {spell(skill.calibration_slope)}, "
        f"intercept {spell(skill.calibration_intercept, signed=True)}, "
        f"lost ARR over expected loss {spell(skill.arr_ratio, digits=2)}; "
        f"Brier {spell(skill.brier)}, skill {spell(skill.brier_skill, signed=True)}; "
        f"log loss {spell(skill.log_loss)}"
    )
    if found.pooled.served is not None:
        console.print(f"  {found.pooled.served.sentence}", markup=False)
    if weekly is not None:
        console.print(
            f"  from week to week ({weekly.steps} steps): rank correlation "
            f"{spell(weekly.rank_correlation.estimate)}, tier changes "
            f"{spell(weekly.tier_changes.estimate)} of the accounts"
        )
    for line in (*found.decision.reasons, *found.notices):
        console.print(f"  - {line}", markup=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _folds(found: Backtest) -> Table:
    table = _table(
        f"{found.model}: trained at each cut-off on what was known then",
        "rows (positive)",
        "AUC (95 % interval)",
        "average precision",
        "calibration slope",
    )
    for fold in found.folds:
        until = "" if fold.test.first == fold.test.last else f" to {fold.test.last:%Y-%m-%d}"
        table.add_row(f"{fold.test.first:%Y-%m-%d}{until}", *_cells(fold.judgement.skill))
    table.add_section()
    table.add_row("[bold]all[/bold]", *_cells(found.pooled.skill))
    for column, values in found.pooled.slices.items():
        table.add_section()
        judged = {value: skill for value, skill in values.items() if skill.note is None}
        for value, skill in judged.items():
            table.add_row(f"{column}: {value}", *_cells(skill))
        if left := len(values) - len(judged):
            table.add_row(f"{column}: {left} more", "too small, or one class only", "", "", "")
    return table


def _cells(skill: Skill) -> tuple[str, ...]:
    counts = f"{skill.rows:,} ({skill.positives:,})"
    if skill.note is not None:
        return counts, skill.note, "", ""
    figures = (skill.auc, skill.average_precision, skill.calibration_slope)
    return counts, *(spell(figure) for figure in figures)


def _tops(skill: Skill, currency: str) -> Table:
    table = _table(
        "at the top of the ranking, per as-of date",
        "accounts",
        "of them lost",
        "lift",
        "lost accounts caught",
        f"lost ARR caught, {currency}",
        "share of lost ARR",
        f"profit of acting, {currency}",
    )
    for name, top in skill.tops.items():
        table.add_row(
            name.replace("_percent", " %"),
            f"{top.rows:,.0f}",
            spell(top.precision),
            spell(top.lift, digits=1),
            spell(top.caught),
            spell(top.arr_caught, digits=0),
            spell(top.arr_caught_share),
            spell(top.profit, digits=0),
        )
    return table


def _comparisons(found: Backtest) -> Table:
    table = _table("beside it", "AUC (95 % interval)", "the model's AUC less this")
    for name, compared in found.pooled.baselines.items():
        table.add_row(
            title_of(name, compared.order),
            spell(compared.auc),
            spell(compared.difference, signed=True),
        )
    for months, age in found.ages.items():
        table.add_row(
            f"the model {months} month{'s' if months > 1 else ''} old ({age.rows:,} rows)",
            spell(age.auc),
            f"{-age.difference.value:+.3f} "
            f"({-age.difference.high:+.3f} to {-age.difference.low:+.3f})",
        )
    return table
