"""A training run for people: the report as one HTML file, and the model card as Markdown."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

from models.baseline import title_of
from models.bundle import LIBRARIES, Provenance
from models.report import Window
from models.settings import CostSettings
from models.top import NO_COSTS, say_costs
from models.trained import Trained

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_MOVES = 50
PICTURES = {
    "calibration": "Predicted probability against the share that was lost",
    "roc": "ROC",
    "precision_recall": "Precision and recall",
    "gain": "Share of the lost rows found, the likeliest first",
    "beeswarm": "What moves the prediction",
    "dependence": "How the strongest features move it",
    "driver_drift": "How the drivers move over time",
}
# Many small panels or long names: across the whole page.
WIDE = {"beeswarm", "dependence", "driver_drift"}
LATER_WORDS = "The test is later than everything that the judged copy learnt from."
LEFT_OUT_WORDS = (
    "No row is known to be later than another, so the split cannot be temporal: each account was "
    "judged by a model of the same recipe that saw neither it nor its parent. The figures say "
    "nothing about how well later losses are foretold."
)
OVERDUE_WORDS = (
    "Rows of contracts past their decision date (overdue, or in grace) are left out of these "
    "figures, although the ranking that is served holds such accounts; where there are enough of "
    "them they are judged apart, as the lead band overdue."
)


def render_report(
    trained: Trained,
    provenance: Provenance,
    *,
    currency: str,
    costs: CostSettings = NO_COSTS,
    plots: Sequence[Path] = (),
    moves: Sequence[Mapping[str, object]] = (),
) -> str:
    """The report as HTML that needs no other file.

    Parameters
    ----------
    trained : Trained
    provenance : Provenance
    currency : str
        Of the money figures.
    costs : CostSettings
        Behind the profit of acting.
    plots : sequence of Path
        PNG files; those named in ``PICTURES`` are shown in that order.
    moves : sequence of mapping
        Accounts whose tier moves, as JSON has them.
    """
    by_name = {plot.stem: plot for plot in plots}
    pictures = [
        {
            "title": title,
            "data": base64.b64encode(by_name[name].read_bytes()).decode(),
            "wide": name in WIDE,
        }
        for name, title in PICTURES.items()
        if name in by_name
    ]
    page = _environment(escape=True).get_template("report.html")
    return page.render(
        **_facts(trained, provenance),
        currency=currency,
        costs=say_costs(costs, currency),
        pictures=pictures,
        moves=moves,
        most_moves=MOST_MOVES,
        versions={name: installed(name) for name in LIBRARIES},
        params={
            name: value
            for name, value in trained.shipped.params.items()
            if name != "monotone_constraints"  # a number for each feature; the catalogue says it
        },
    )


def render_card(trained: Trained, provenance: Provenance) -> str:
    """The model card as Markdown: use, label, data, figures, limits and the leakage sheet."""
    shipped = trained.shipped
    page = _environment(escape=False).get_template("model_card.md")
    return page.render(
        **_facts(trained, provenance),
        horizon_days=trained.test.horizon_days,
        lead_days=trained.test.lead_days,
        shipped=Window(
            *shipped.as_of, shipped.rows, shipped.positives, known=trained.report.test.known
        ).to_json(),
    )


def _facts(trained: Trained, provenance: Provenance) -> dict[str, object]:
    """What both pages say."""
    served = trained.report.judgement.served
    return {
        "company": provenance.company,
        "model": trained.model,
        "label": provenance.label,
        "created_at": f"{provenance.created_at:%Y-%m-%d %H:%M %Z}",
        "data_end": trained.test.data_end,
        "data_hash": provenance.data_hash,
        "git_commit": provenance.git_commit,
        "report": trained.report.to_json(),
        "title_of": title_of,
        "served_words": "" if served is None else served.sentence,
        "weaknesses": trained.report.weaknesses,
        # Only renewals have a decision date to be past.
        "overdue_words": OVERDUE_WORDS if trained.model == "renewal" else "",
        "warnings": trained.report.warnings,
        "notices": trained.report.notices,
        "leak_words": trained.report.leaks.words,
        "split_words": LATER_WORDS if trained.report.temporal else LEFT_OUT_WORDS,
        "within": trained.report.within,
        "temporal": trained.report.temporal,
        "assembled": provenance.assembled,
    }


def _environment(*, escape: bool) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(loader=PackageLoader("models"), autoescape=escape, undefined=StrictUndefined)
