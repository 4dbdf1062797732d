"""What the command line shows people: verdicts, metrics and the ranking."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.dataset import ModelName
from features.errors import Problem
from models.account_score import AccountScore, ranking_key
from models.baseline import TITLES, title_of
from models.bootstrap import Estimate
from models.report import Report
from models.snapshot import Snapshot, count_abstentions, total_money
from models.trained import Skipped, Trained
from pipelines.last_verdict import say_missing
from pipelines.move import TierMove
from pipelines.training import Outcome

GRACE_ROWS = 5
WIDTH = 150
_ACTIONS = {
    "stop": "[bold red]stop[/bold red]",
    "quarantine": "[yellow]quarantine[/yellow]",
    "allow": "[dim]allow[/dim]",
}


def make_console(*, stderr: bool = False) -> Console:
    """A console that is wide enough for the tables where nothing says how wide it is.

    A terminal says so, and the environment variable ``COLUMNS``.
    """
    console = Console(highlight=False, stderr=stderr)
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return console
    return Console(highlight=False, width=WIDTH, stderr=stderr)


def show_problems(console: Console, problems: Sequence[Problem]) -> None:
    """What is wrong with the tables, those that stop the run first: a table each on a terminal.

    Elsewhere one line per problem, for other programs and logs.
    """
    if not console.is_terminal:
        for problem in problems:
            console.print(f"{problem.action}: {problem}", markup=False, soft_wrap=True)
        return
    order = {"stop": 0, "quarantine": 1, "allow": 2}
    for name in dict.fromkeys(problem.table for problem in problems):
        table = Table(title=escape(name), title_justify="left")
        for title in ("", "column", "what must hold", "seen", "what to do"):
            table.add_column(title, overflow="fold")
        table.add_column("rows", justify="right")
        here = [problem for problem in problems if problem.table == name]
        for problem in sorted(here, key=lambda problem: order[problem.action]):
            cells = (problem.column, problem.rule, ", ".join(problem.examples), problem.remedy)
            rows = f"{problem.rows:,}" if problem.rows else ""
            table.add_row(_ACTIONS[problem.action], *map(escape, cells), rows)
        console.print(table)


def show_training(
    console: Console,
    outcomes: Mapping[ModelName, Outcome],
    ceilings: Mapping[str, Mapping[str, str]] | None = None,
    beneath: Sequence[str] = (),
) -> None:
    """The verdict of each model first, then its test metrics beside the baselines.

    Parameters
    ----------
    console : Console
    outcomes : mapping of model name to Trained or Skipped
    ceilings : mapping of model to (row title to figures), optional
        Further rows, such as the true risk of a demo company.
    beneath : sequence of str
        Lines to read with the verdicts, before any figure.
    """
    for name, outcome in outcomes.items():
        console.print(f"[bold]{name}[/bold]: {verdict(outcome)}")
        if isinstance(outcome, Trained):
            show_weaknesses(console, outcome.report.weaknesses)
    for line in beneath:
        console.print(line, markup=False, soft_wrap=True)
    for name, outcome in outcomes.items():
        if isinstance(outcome, Trained):
            _show_report(console, name, outcome.report, (ceilings or {}).get(name, {}))


def show_weaknesses(console: Console, sentences: Sequence[str]) -> None:
    """Where a verdict does not hold, right below it."""
    for sentence in sentences:
        console.print(f"  {sentence}", markup=False, soft_wrap=True)


def show_moves(console: Console, moves: Sequence[TierMove], *, rows: int = 5) -> None:
    """How many accounts change their risk tier with the models of this run, and the first few."""
    if not moves:
        return
    shown = "; ".join(
        f"{move.account_id} {move.tier_before} to {move.tier_after}" for move in moves[:rows]
    )
    more = f"; and {len(moves) - rows} more in the report" if len(moves) > rows else ""
    console.print(f"risk tiers that move with these models: {shown}{more}", markup=False)


def verdict(outcome: Trained | Skipped) -> str:
    """The outcome in one phrase."""
    if isinstance(outcome, Skipped):
        return f"skipped: {outcome.reason}"
    decision = outcome.report.decision
    return decision.verdict if decision.promoted else f"NOT PROMOTED: {decision.verdict}"


def _show_report(console: Console, name: str, report: Report, ceilings: Mapping[str, str]) -> None:
    test = report.test
    dates = f"as of {test.first:%Y-%m-%d} to {test.last:%Y-%m-%d}"
    table = Table(
        title=(
            f"{name}: {test.rows:,} test rows, {test.positives:,} positive, "
            f"{dates if report.temporal else report.split}"
        ),
        title_justify="left",
    )
    for column in ("", "AUC (95 % interval)", "average precision", "model's AUC minus this"):
        table.add_column(column, justify="left" if not column else "right")
    skill = report.skill
    table.add_row("[bold]model[/bold]", spell(skill.auc), spell(skill.average_precision), "")
    for key in TITLES:
        found = report.judgement.baselines.get(key)
        if found is not None:
            table.add_row(
                title_of(key, found.order),
                spell(found.auc),
                spell(found.average_precision),
                spell(found.difference, signed=True),
            )
    for title, figures in ceilings.items():
        table.add_row(title, figures, "", "")
    console.print(table)
    slope, intercept = report.skill.calibration_slope, report.skill.calibration_intercept
    ratio = report.skill.arr_ratio
    console.print(
        f"  calibration slope {spell(slope)}, intercept {intercept.value:+.2f}, "
        f"lost ARR over expected loss {spell(ratio, digits=2)}; "
        f"AUC is {report.within}, intervals are by bootstrap over accounts"
    )
    _show_slices(console, report)
    if report.judgement.served is not None:
        console.print(f"  {report.judgement.served.sentence}", markup=False)
    if report.abstention is not None:
        console.print(f"  {report.abstention.sentence}", markup=False)
    for reason in report.decision.reasons:
        console.print(f"  - {reason}", markup=False)


def _show_slices(console: Console, report: Report) -> None:
    """AUC and counts by slice; counts alone where it cannot be told."""
    for column, values in report.judgement.slices.items():
        judged = {value: skill for value, skill in values.items() if skill.note is None}
        figures = [
            f"{value}: {spell(skill.auc)}, {skill.positives:,} of {skill.rows:,}"
            for value, skill in judged.items()
        ]
        if left := len(values) - len(judged):
            figures.append(f"{left} more too small or of one class")
        if figures:
            console.print(f"  AUC by {column}: {'; '.join(figures)}", markup=False)


def spell(found: Estimate, *, signed: bool = False, digits: int = 3) -> str:
    """A figure with its interval, where it has one."""
    value, low, high = found.value, found.low, found.high
    if value != value:
        return "unknown"
    form = f"{'+' if signed else ''},.{digits}f"
    if low != low:
        return f"{value:{form}}"
    return f"{value:{form}} ({low:{form}} to {high:{form}})"


def show_ranking(
    console: Console,
    snapshot: Snapshot,
    *,
    refusals: Mapping[str, str] | None = None,
    rows: int = 15,
) -> None:
    """The accounts to look at first, with what is at stake and why.

    Those whose contract has ended stand apart: mostly they are lost, and they would fill the page.

    Parameters
    ----------
    console : Console
    snapshot : Snapshot
    refusals : mapping of model name to sentence, optional
        Why the last training gave no model; None without any training.
    rows : int
        Accounts shown, and a few more in grace.
    """
    ranked = sorted(snapshot.scores, key=ranking_key)
    title = f"{snapshot.company}{_day(snapshot)}: {len(snapshot.scores):,} accounts"
    console.print(_ranking_table(title, [s for s in ranked if s.state != "in_grace"][:rows]))
    if grace := [score for score in ranked if score.state == "in_grace"]:
        title = f"in grace, ended and nothing signed since: {len(grace):,} accounts"
        console.print(_ranking_table(title, grace[:GRACE_ROWS]))
    lines = [*_summary(snapshot), *say_missing(snapshot.models, refusals)]
    console.print("\n".join(lines), markup=False, soft_wrap=True)


def _ranking_table(title: str, scores: Sequence[AccountScore]) -> Table:
    table = Table(title=title, title_justify="left")
    for title in ("account", "segment"):
        table.add_column(title, overflow="fold")
    for title in ("ARR", "decide by", "chance of loss", "health", "ARR at risk"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("strongest drivers", overflow="fold")
    for score in scores:
        table.add_row(*_ranking_row(score))
    return table


def _day(snapshot: Snapshot) -> str:
    return ", a table without dates" if snapshot.as_of is None else f" as of {snapshot.as_of}"


def _ranking_row(score: AccountScore) -> Sequence[str]:
    loss = score.loss_probability
    words = (score.abstained or score.state).replace("_", " ")
    chance = words if loss is None else f"{_chance(score, loss)} {score.risk_tier or ''}"
    basis = {"renewal": "this renewal", "churn": "any reason", None: ""}[score.basis]
    if score.state == "in_grace" and loss is not None:
        basis = words
    raising = [driver.text for driver in score.drivers if driver.contribution > 0][:3]
    return (
        escape("\n".join(filter(None, (score.account_id, score.name)))),
        escape(score.segment or ""),
        _money(score.arr),
        str(score.decision_date or "no term"),
        f"{chance}\n{basis}".strip(),
        "unknown" if score.health_score is None else f"{score.health_score:.0f}",
        _money(score.arr_at_risk),
        escape("; ".join(raising)),
    )


def _chance(score: AccountScore, loss: float) -> str:
    """The chance of loss, with its interval where there is one."""
    ends = score.loss_probability_interval
    if ends is None:
        return percent(loss)
    low, high = (f"{100 * end:.0f}" for end in ends)
    return f"{percent(loss)} ({low}-{high})"


def percent(share: float) -> str:
    """A chance in whole points; nothing that is not known is shown as certain."""
    if share > 0.99:
        return "> 99 %"
    return "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def _summary(snapshot: Snapshot) -> list[str]:
    totals = total_money(snapshot.scores)
    lines = [
        f"expected loss by {basis}: {snapshot.currency} {_money(amount)}"
        for basis, amount in totals.arr_at_risk.items()
        if amount is not None
    ]
    grace = math.fsum(s.arr_at_risk or 0.0 for s in snapshot.scores if s.state == "in_grace")
    if grace:
        lines.append(f"part of that in grace, ended already: {snapshot.currency} {_money(grace)}")
    if totals.arr_high_tier is not None:
        high = [score for score in snapshot.scores if score.risk_tier == "high"]
        late = sum(score.state == "in_grace" for score in high)
        lines.append(
            f"whole ARR of the {len(high)} accounts in the high tier, {late} of them in grace: "
            f"{snapshot.currency} {_money(totals.arr_high_tier)}"
        )
    if totals.arr_notice_given:
        lines.append(
            f"ARR under notice, already lost: {snapshot.currency} {_money(totals.arr_notice_given)}"
        )
    return [*lines, *_abstentions(snapshot)]


def _abstentions(snapshot: Snapshot) -> list[str]:
    """Who gets no probability by which rule, and what they pay: somebody has to look at them."""
    lines = []
    for reason, accounts in count_abstentions(snapshot.scores).items():
        if accounts:
            amounts = [
                s.arr for s in snapshot.scores if s.abstained == reason and s.arr is not None
            ]
            money = f", {snapshot.currency} {_money(sum(amounts))} a year" if amounts else ""
            words = reason.replace("_", " ")
            lines.append(f"no probability, {words}: {accounts:,} accounts{money}")
    return lines


def _money(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.0f}"
