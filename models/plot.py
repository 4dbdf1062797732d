"""The pictures of a trained model, as PNG files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.bootstrap import Estimate, draw_groups
from models.dependence import draw_dependence
from models.drift import draw_driver_drift
from models.predictor import Predictor
from models.reliability import reliability
from models.table import FloatArray
from models.trained import Trained

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REPLICATES = 400
BEESWARM_ROWS = 500
BEESWARM_FEATURES = 12
SIZE = (7.2, 5.4)  # inches
SIZES = {"beeswarm": (9.6, 5.8), "dependence": (9.6, 5.8), "driver_drift": (9.6, 6.4)}


def draw_plots(trained: Trained, folder: Path) -> list[Path]:
    """Draw how good the judged model is, what moves it, and how that moves over time.

    Parameters
    ----------
    trained : Trained
        With the test rows.
    folder : Path
        Is made when it does not exist.

    Returns
    -------
    list of Path
        ``roc.png``, ``precision_recall.png``, ``calibration.png``, ``gain.png``,
        ``beeswarm.png``, ``dependence.png`` and, where rows
        bear dates, ``driver_drift.png``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawings: dict[str, Callable[[Axes], None]] = {
        "roc": lambda axes: _draw_roc(axes, trained),
        "precision_recall": lambda axes: _draw_precision_recall(axes, trained),
        "calibration": lambda axes: _draw_calibration(axes, trained),
        "gain": lambda axes: _draw_gain(axes, trained),
        "beeswarm": lambda axes: _draw_beeswarm(axes, trained),
    }
    judged, train, test = trained.judged.predictor, trained.train, trained.test
    whole: dict[str, Callable[[Figure], None]] = {
        name: partial(_draw_one, draw=draw) for name, draw in drawings.items()
    }
    whole["dependence"] = lambda figure: draw_dependence(figure, judged, test)
    if test.dated:
        whole["driver_drift"] = lambda figure: draw_driver_drift(figure, judged, train, test)
    return [_save(folder / f"{name}.png", draw) for name, draw in whole.items()]


def _draw_one(figure: Figure, *, draw: Callable[[Axes], None]) -> None:
    draw(figure.add_subplot())


def _save(path: Path, draw: Callable[[Figure], None]) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZES.get(path.stem, SIZE), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    figure.savefig(path, dpi=100)
    return path


def placement_curve(
    label: FloatArray, score: FloatArray, as_of: pd.Series
) -> tuple[FloatArray, FloatArray]:
    """False and true positive shares of a ROC curve that compares within as-of dates only.

    Each positive is placed by the share of the negatives of its date that rank above it; the
    area under the curve is the AUC of the report.

    Parameters
    ----------
    label, score : float, (n,)
        Label 0 or 1, and what the rows are ranked by.
    as_of : Series, (n,)
        As-of dates, or whatever else tells which rows may be compared.

    References
    ----------
    Pepe, M. and Cai, T. (2004). The analysis of placement values for evaluating discriminatory
    measures.
    """
    places, weights = [np.zeros(0)], [np.zeros(0)]
    for rows in pd.Series(range(len(label))).groupby(as_of.to_numpy()).indices.values():
        negatives = np.sort(score[rows][label[rows] == 0])
        positives = score[rows][label[rows] == 1]
        if len(negatives):
            above = len(negatives) - np.searchsorted(negatives, positives, side="right")
            tied = len(negatives) - np.searchsorted(negatives, positives, side="left") - above
            places.append((above + tied / 2) / len(negatives))
            weights.append(np.full(len(positives), float(len(negatives))))
    place, weight = np.concatenate(places), np.concatenate(weights)
    order = np.argsort(place)
    share = np.cumsum(weight[order]) / max(weight.sum(), 1.0)
    return np.concatenate([[0.0], place[order], [1.0]]), np.concatenate([[0.0], share, [1.0]])


def _draw_roc(axes: Axes, trained: Trained) -> None:
    label, probability = _test(trained)
    x, y = placement_curve(label, probability, pd.Series(trained.report.scored.stratum))
    axes.step(x, y, where="post")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set(
        title=f"{trained.model}: AUC {_spell(trained.report.skill.auc)}, {trained.report.within}",
        xlabel="share of kept rows ranked above",
        ylabel="share of lost rows found",
    )


def _draw_precision_recall(axes: Axes, trained: Trained) -> None:
    label, probability = _test(trained)
    hits = np.cumsum(label[np.argsort(-probability, kind="stable")])
    axes.plot(hits / hits[-1], hits / np.arange(1, len(label) + 1))
    axes.axhline(trained.report.skill.base_rate, linestyle=":", color="grey")
    axes.set(
        title=f"{trained.model}: average precision "
        f"{_spell(trained.report.skill.average_precision)}",
        xlabel="share of lost rows found",
        ylabel="share of found rows that were lost",
        ylim=(0, 1.02),
    )


def _draw_calibration(axes: Axes, trained: Trained) -> None:
    label, probability = _test(trained)
    group = trained.report.predictions["group_id"].to_numpy(dtype=np.object_)
    draws = draw_groups(group, replicates=REPLICATES, seed=0)
    mean, share, low, high = reliability(label, probability, draws)
    top = 1.05 * max(float(mean.max()), float(high.max()))
    axes.errorbar(mean, share, yerr=[share - low, high - share], fmt="o-", capsize=2)
    axes.plot([0, top], [0, top], linestyle=":", color="grey")
    slope = trained.report.skill.calibration_slope
    axes.set(
        title=f"{trained.model}: calibration slope {_spell(slope)}",
        xlabel="mean probability of a tenth of the rows",
        ylabel="share lost, with its 95 % interval over parents",
        xlim=(0, top),
        ylim=(0, top),
    )


def _draw_gain(axes: Axes, trained: Trained) -> None:
    label, probability = _test(trained)
    hits = np.cumsum(label[np.argsort(-probability, kind="stable")])
    x = np.arange(1, len(label) + 1) / len(label)
    axes.plot(np.append(0.0, x), np.append(0.0, hits / hits[-1]))
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes.set(
        title=f"{trained.model}: gain",
        xlabel="share of rows worked on, the likeliest first",
        ylabel="share of lost rows among them",
    )


def _draw_beeswarm(axes: Axes, trained: Trained) -> None:
    import shap

    predictor = trained.judged.predictor
    sample = trained.test.features
    if len(sample) > BEESWARM_ROWS:
        sample = sample.iloc[np.linspace(0, len(sample) - 1, BEESWARM_ROWS).astype(int)]
    shap.plots.beeswarm(
        _shap_values(predictor, sample),
        max_display=min(BEESWARM_FEATURES, len(predictor.encoding.columns)),
        ax=axes,
        plot_size=None,
        show=False,
    )
    axes.set(title=f"{trained.model}: what moves the prediction", xlabel="log-odds")


# shap has no types, hence the bare object.
def _shap_values(predictor: Predictor, sample: pd.DataFrame) -> object:
    import shap

    matrix = predictor.encoding.encode(sample)
    raw = predictor.raw_contributions(matrix) * predictor.calibration.slope
    return shap.Explanation(
        values=raw[:, :-1],
        base_values=raw[:, -1] + predictor.calibration.intercept,
        data=matrix.to_numpy(),
        feature_names=list(predictor.encoding.columns),
    )


def _test(trained: Trained) -> tuple[FloatArray, FloatArray]:
    predictions = trained.report.predictions
    return predictions["label"].to_numpy(), predictions["probability"].to_numpy()


def _spell(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
