"""The report and the card of a training run."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from models.bootstrap import Estimate
from models.plot import draw_plots
from models.report_page import PICTURES, WIDE, render_card, render_report
from models.settings import CostSettings
from models.trained import Trained
from tests.integration.trained import PROVENANCE, null_model, trained_model

MOVE = {
    "account_id": "<b>A1</b>",
    "tier_before": "low",
    "tier_after": "high",
    "loss_before": 0.1,
    "loss_after": 0.6,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    plots = draw_plots(trained_model(), tmp_path_factory.mktemp("plots"))
    return render_report(
        trained_model(),
        PROVENANCE,
        currency="USD",
        costs=CostSettings(contact=50.0, save_rate=0.3),
        plots=plots,
        moves=[MOVE],
    )


def with_a_weak_slice() -> Trained:
    """The model with a slice in which it is at chance."""
    trained = trained_model()
    judgement = trained.report.judgement
    weak = replace(judgement.skill, auc=Estimate(0.52, 0.45, 0.58))
    slices = {**judgement.slices, "tenure_band": {"365-729 days": weak}}
    judgement = replace(judgement, slices=slices)
    return replace(trained, report=replace(trained.report, judgement=judgement))


def text_of(page: str) -> str:
    """What a reader sees."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_verdict_comes_first(page: str) -> None:
    seen = text_of(page)
    verdict = trained_model().report.decision.verdict
    assert seen.index(f"Promoted: {verdict}") < seen.index("What it predicts")
    null = text_of(render_report(null_model(), PROVENANCE, currency="USD"))
    assert "Not promoted: no better than chance." in null


def test_the_page_needs_no_other_file_and_shows_every_picture(page: str) -> None:
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    # A picture's base64 holds any four letters now and then.
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)
    drawn = {title for name, title in PICTURES.items() if f'alt="{title}"' in page}
    assert {PICTURES[name] for name in ("calibration", "roc", "gain", "beeswarm")} <= drawn


def test_pictures_of_many_panels_take_the_whole_width(page: str) -> None:
    wide = re.findall(r'<figure class="wide"><img [^>]*alt="([^"]*)"', page)
    assert set(wide) == {PICTURES[name] for name in WIDE}


def test_a_slice_at_chance_stands_in_the_verdict_box_the_limits_and_the_notices() -> None:
    trained = with_a_weak_slice()
    (said,) = trained.report.weaknesses
    assert "tenure 365-729 days (AUC 0.52, 0.45 to 0.58, " in said
    seen = text_of(render_report(trained, PROVENANCE, currency="USD"))
    assert seen.count(said) == 1
    assert seen.index(said) < seen.index("What it predicts")
    limits = render_card(trained, PROVENANCE).split("## Limits")[1].split("##")[0]
    assert f"- {said}\n" in limits
    notices = trained.report.to_json()["notices"]
    assert isinstance(notices, list)
    assert notices[0] == said


def test_profit_states_its_costs_and_money_its_currency(page: str) -> None:
    seen = text_of(page)
    assert "takes 30 % of the lost ARR as saved, less USD 50 for contacting each" in seen
    profit = trained_model().report.skill.tops["capacity"].arr_caught
    assert f"USD {profit.value:,.0f} ({profit.low:,.0f} to {profit.high:,.0f})" in seen
    assert "is unknown" in text_of(render_report(trained_model(), PROVENANCE, currency="USD"))


def test_only_renewals_say_that_overdue_rows_are_in_no_figure() -> None:
    said = "past their decision date (overdue, or in grace) are left out of these figures"
    churn = trained_model()
    renewal = replace(churn, model="renewal")
    for render in (render_card, lambda t, p: render_report(t, p, currency="USD")):
        assert said in render(renewal, PROVENANCE)
        assert said not in render(churn, PROVENANCE)


def test_what_comes_from_tables_is_escaped(page: str) -> None:
    assert "&lt;b&gt;A1&lt;/b&gt;" in page
    assert "<b>A1</b>" not in page


def test_slices_baselines_and_the_top_stand_with_their_intervals(page: str) -> None:
    seen = text_of(page)
    auc = trained_model().report.skill.auc
    assert f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})" in seen
    for words in ("segment: small", "days to renewal, usage trend", "5 %", "capacity"):
        assert words in seen


def test_the_card_says_use_label_data_figures_limits_and_leaks() -> None:
    card = render_card(trained_model(), PROVENANCE)
    headings = re.findall(r"^## (.+)$", card, flags=re.MULTILINE)
    assert headings == [
        "Intended use",
        "Label",
        "Data",
        "Figures, with 95 % intervals",
        "Limits",
        "Leakage sheet",
    ]
    assert "lost within 90 days Horizon: 90 days." in card


def test_pages_are_written_without_pictures_too(tmp_path: Path) -> None:
    other = replace(PROVENANCE, git_commit=None)
    assert "no checkout" in render_report(trained_model(), other, currency="EUR")
    assert not list(tmp_path.iterdir())
