"""The picture of how the strongest features move the prediction: value against contribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.driver import explain
from models.table import FloatArray, ModelTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from models.predictor import Predictor

ROWS = 1500
FEATURES = 6
COLUMNS = 3
CATEGORIES = 6
LARGE = 10_000  # from here on a number is written as 10k, 2.5M
_SPAN = (1.0, 99.0)  # percentiles of the values shown; the rest would leave the others no room
_DOT, _MISSING = "tab:blue", "tab:orange"


def draw_dependence(figure: Figure, predictor: Predictor, table: ModelTable) -> None:
    """Draw the six strongest features of a model over the rows of a table, a panel each.

    A dot is a row: its value, and the log-odds that the value added to its prediction. Rows where
    the value is missing stand in orange at the left edge, of their own.

    Parameters
    ----------
    figure : matplotlib Figure
    predictor : Predictor
    table : ModelTable
    """
    features = sample_rows(table.features, ROWS)
    contributions = explain(predictor, features).contributions
    top = strongest_features(contributions, FEATURES)
    rows = -(-len(top) // COLUMNS)
    panels = figure.subplots(max(rows, 1), COLUMNS, squeeze=False)
    for panel in panels.flat[len(top) :]:
        panel.set_axis_off()
    for panel, place in zip(panels.flat, top, strict=False):
        name = predictor.encoding.columns[place]
        _draw_panel(panel, features[name], contributions[:, place])
        panel.set_title(name, fontsize=9)
        panel.tick_params(labelsize=8)
    for line in panels:
        line[0].set_ylabel("log-odds", fontsize=9)
    figure.supxlabel("value of the feature; orange, at the left edge: missing", fontsize=9)
    figure.suptitle(
        f"{table.model}: value of the strongest features against what it adds to the log-odds",
        fontsize=11,
    )


def sample_rows(features: pd.DataFrame, rows: int) -> pd.DataFrame:
    """At most so many rows, evenly spread."""
    if len(features) <= rows:
        return features
    return features.iloc[np.linspace(0, len(features) - 1, rows).astype(int)]


def strongest_features(contributions: FloatArray, count: int) -> list[int]:
    """Places of the features with the largest mean absolute contribution, those of 0 left out."""
    strength = np.abs(contributions).mean(axis=0)
    order = np.argsort(-strength, kind="stable")[:count]
    return [int(place) for place in order if strength[place] > 0]


def _draw_panel(panel: Axes, values: pd.Series, contribution: FloatArray) -> None:
    panel.axhline(0.0, color="grey", linewidth=0.8, linestyle=":")
    if pd.api.types.is_numeric_dtype(values):
        _draw_number(panel, values.to_numpy(dtype=np.float64, na_value=np.nan), contribution)
    else:
        _draw_category(panel, values, contribution)


def _draw_number(panel: Axes, value: FloatArray, contribution: FloatArray) -> None:
    known = ~np.isnan(value)
    low, high = np.percentile(value[known], _SPAN) if known.any() else (0.0, 1.0)
    room = (high - low) or 1.0
    shown = known & (value >= low) & (value <= high)
    panel.scatter(value[shown], contribution[shown], s=6, alpha=0.35, color=_DOT, linewidths=0)
    left = low - 0.05 * room
    if not known.all():
        left = low - 0.2 * room
        at = np.full(int((~known).sum()), low - 0.12 * room)
        panel.scatter(at, contribution[~known], s=6, alpha=0.35, color=_MISSING, linewidths=0)
    panel.set_xlim(left, high + 0.05 * room)
    panel.locator_params(axis="x", nbins=5)
    if high >= LARGE:
        from matplotlib.ticker import EngFormatter

        panel.xaxis.set_major_formatter(EngFormatter(sep=""))


def _draw_category(panel: Axes, values: pd.Series, contribution: FloatArray) -> None:
    """A column of dots for each of the commonest categories, side by side."""
    named = values.fillna("missing").astype(str).to_numpy()
    names, counts = np.unique(named, return_counts=True)
    shown = names[np.argsort(-counts, kind="stable")][:CATEGORIES]
    for place, name in enumerate(shown):
        found = contribution[named == name]
        spread = place + np.linspace(-0.25, 0.25, len(found))
        panel.scatter(spread, found, s=6, alpha=0.35, color=_DOT, linewidths=0)
    labels = [name if len(name) <= 12 else f"{name[:11]}…" for name in shown]
    panel.set_xticks(range(len(shown)), labels, rotation=30, ha="right")
