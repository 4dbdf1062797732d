"""What the command line shows of a model."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from features.errors import Problem
from models.account_score import AccountScore
from models.bootstrap import Estimate
from models.recipe import train_model
from models.trained import Trained
from pipelines.presentation import show_problems, show_ranking, show_training
from tests.model_rows import QUICK
from tests.unit.test_model_recipe import banded
from tests.unit.test_store_snapshot import published


def test_slices_that_cannot_be_told_are_counted() -> None:
    outcome = train_model(banded(), QUICK)
    out = io.StringIO()
    show_training(Console(file=out, width=400), {"renewal": outcome})
    (line,) = [line for line in out.getvalue().splitlines() if "AUC by lead_band" in line]
    near, far, left = line.split(": ", 1)[1].split("; ")
    assert near.startswith("0-30 days: 0.")
    assert far.startswith("over 90 days: 0.")
    assert left == "2 more too small or of one class"


def test_where_a_verdict_does_not_hold_stands_right_below_it() -> None:
    outcome = train_model(banded(), QUICK)
    assert isinstance(outcome, Trained)
    judgement = outcome.report.judgement
    weak = replace(judgement.skill, auc=Estimate(0.52, 0.45, 0.58))
    report = replace(outcome.report, judgement=replace(judgement, slices={"plan": {"basic": weak}}))
    out = io.StringIO()
    show_training(Console(file=out, width=400), {"renewal": replace(outcome, report=report)})
    verdict, below, *_ = out.getvalue().splitlines()
    assert verdict.startswith("renewal: ")
    assert "1 of 1 slices judged: plan basic (AUC 0.52, 0.45 to 0.58" in below


PROBLEMS = (
    Problem("usage", "ts", "must be recent", 0, ("2025-01-01",), "load more", "allow"),
    Problem("contracts", "arr", "must not be [bold]negative[/bold]", 2, ("c1",), "mend it"),
    Problem("usage", "account_id", "must be known", 1_200, ("Z",), "add them", "quarantine"),
)


def test_problems_are_tables_on_a_terminal_and_lines_elsewhere() -> None:
    terminal, file = io.StringIO(), io.StringIO()
    show_problems(Console(file=terminal, width=160, force_terminal=True), PROBLEMS)
    show_problems(Console(file=file, width=20), PROBLEMS)
    drawn = terminal.getvalue()
    assert drawn.index("quarantine") < drawn.index("recent") < drawn.index("stop")
    assert "[bold]negative[/bold]" in drawn
    assert "1,200" in drawn
    assert file.getvalue().splitlines() == [f"{p.action}: {p}" for p in PROBLEMS]


def test_whose_contract_has_ended_stands_apart_from_whom_to_call() -> None:
    scores = (
        AccountScore(
            account_id="late", state="in_grace", arr=900.0, loss_probability=0.9, arr_at_risk=810.0,
            basis="renewal", risk_tier="high",
        ),
        AccountScore(
            account_id="open", state="to_decide", arr=100.0, loss_probability=0.8, arr_at_risk=80.0,
            basis="renewal", risk_tier="high",
        ),
    )  # fmt: skip
    out = io.StringIO()
    show_ranking(Console(file=out, width=160), replace(published(*scores), currency="USD"))
    said = out.getvalue()
    assert said.index("open") < said.index("in grace, ended and nothing signed since: 1 accounts")
    assert said.index("signed since: 1 accounts") < said.index("late")
    assert "expected loss by renewal: USD 890" in said
    assert "part of that in grace, ended already: USD 810" in said
    assert "the 2 accounts in the high tier, 1 of them in grace: USD 1,000" in said
