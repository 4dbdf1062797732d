"""The picture of how the drivers move over time: mean contribution by as-of date."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.driver import explain, sum_groups
from models.table import FloatArray, ModelTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from models.predictor import Predictor

Places: TypeAlias = npt.NDArray[np.intp]

ROWS_PER_DATE = 400
LEAST_ROWS = 20
LINES = 6


def draw_driver_drift(
    figure: Figure, predictor: Predictor, train: ModelTable, test: ModelTable
) -> None:
    """Draw the mean contribution of the groups and features that moved most, by as-of date.

    A line that moves says that the company's accounts, or what is known of them, changed: the
    model is the same at every date.

    Parameters
    ----------
    figure : matplotlib Figure
    predictor : Predictor
        That learnt from ``train``.
    train, test : ModelTable
        Rows before and after the dates that were left out.
    """
    means = [mean_contributions(predictor, part) for part in (train, test)]
    columns = list(predictor.encoding.columns)
    groups = [train.traits[name].group if name in train.traits else "" for name in columns]
    panels = {"features": (columns, [frame.to_numpy() for frame in means])}
    if any(groups):
        names, sums = zip(*(sum_groups(f.to_numpy(), groups) for f in means), strict=True)
        panels = {"groups of features": (names[0], list(sums)), **panels}
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, (names_, parts)) in zip(axes, panels.items(), strict=True):
        _draw_lines(axis, names_, [frame.index for frame in means], parts)
        axis.set_title(f"the {title} that moved most", fontsize=10, loc="left")
        axis.margins(y=0.12)
        axis.axvline(means[1].index[0], color="grey", linestyle=":", linewidth=1)
        axis.set_ylabel("mean log-odds", fontsize=9)
        axis.tick_params(labelsize=8)
    axes[0].annotate(
        " test", (means[1].index[0], 0.97), xycoords=("data", "axes fraction"), va="top",
        fontsize=8, color="grey",
    )  # fmt: skip
    axes[-1].set_xlabel("as-of date", fontsize=9)
    figure.suptitle(f"{train.model}: what the drivers add on average, over time", fontsize=11)


def mean_contributions(predictor: Predictor, table: ModelTable) -> pd.DataFrame:
    """Mean contribution of each feature by as-of date, (n_dates, k), log-odds.

    Of headline rows only, and of dates with at least 20 of them where there are such: the few
    labels of a young date that are known come from contracts past their end. Of a date with more
    than 400 rows so many are taken, evenly spread.
    """
    dates = pd.to_datetime(table.rows["as_of"])
    headline = np.flatnonzero(table.headline)
    of_date = dates.iloc[headline].to_numpy()
    by_date = pd.Series(headline).groupby(of_date).indices.values()
    counted = [np.asarray(places, dtype=np.intp) for places in by_date]
    chosen = [places for places in counted if len(places) >= LEAST_ROWS] or counted
    taken = headline[np.sort(np.concatenate([_spread(places) for places in chosen]))]
    found = explain(predictor, table.features.iloc[taken]).contributions
    frame = pd.DataFrame(found, columns=list(predictor.encoding.columns))
    return frame.groupby(dates.iloc[taken].to_numpy()).mean()


def _spread(places: Places) -> Places:
    """At most 400 of the places, evenly spread."""
    count = min(ROWS_PER_DATE, len(places))
    return places[np.linspace(0, len(places) - 1, count).astype(np.intp)]


def _draw_lines(
    axis: Axes, names: list[str], dates: list[pd.Index], parts: list[FloatArray]
) -> None:
    """A line for each of the names that moved most, broken between training and test."""
    moved = np.std(np.concatenate(parts), axis=0)
    axis.axhline(0.0, color="grey", linewidth=0.8, linestyle=":")
    for number, place in enumerate(np.argsort(-moved, kind="stable")[:LINES]):
        for part, (when, values) in enumerate(zip(dates, parts, strict=True)):
            axis.plot(
                when, values[:, place], marker=".", markersize=4, linewidth=1.4,
                color=f"C{number}", label=names[place] if part == 0 else None,
            )  # fmt: skip
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
