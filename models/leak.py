"""Leaks: features, gaps and rows that hold the answer, found before a model is promoted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.gate import Decision
from models.predictor import Predictor
from models.presence import MOST_AUC, telling_gaps, telling_rows
from models.separation import Labelled, category_auc, label_rows, number_auc
from models.table import FloatArray, ModelTable, Trait

MOST_GAIN = 0.6
MOST_AUC_BESIDE_DATES = 0.99
BINS = 40
ROWS = "the rows"
_NO_TRAIT = Trait()


@dataclass(frozen=True)
class Leaks:
    """What holds the answer, or may.

    Parameters
    ----------
    stops : tuple of str
        A sentence each with feature, figure and remedy; any of them stops promotion.
    warnings : tuple of str
        Sentences that stop nothing.
    names : tuple of str
        The features that the stops name; ``the rows`` where the rows' presence tells.
    dated : bool
        Whether rows were compared within as-of dates, and their presence looked at.
    """

    stops: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    dated: bool = True

    @property
    def verdict(self) -> str:
        """One phrase; only where something stops."""
        features = [name for name in self.names if name != ROWS]
        if not features:
            return "the rows themselves hold the answer"
        word = "a feature holds" if len(features) == 1 else "features hold"
        return f"{word} the answer: {', '.join(features)}"

    @property
    def words(self) -> str:
        """What was found, for the card's leakage sheet."""
        found = "; ".join((*self.stops, *self.warnings))
        if found:
            return found
        if not self.dated:
            return (
                f"No: none alone has an AUC over {MOST_AUC}, and no gap in the values tells the "
                "label. When values were known cannot be seen."
            )
        return (
            f"No: none alone has an AUC over {MOST_AUC} within as-of dates but for agreed dates, "
            "and no gap in the values and no row's being there tells the label."
        )

    def with_others(self, telling: Mapping[str, str]) -> Leaks:
        """These and the features that tell the label of another model, by that model's name."""
        added = {name: model for name, model in telling.items() if name not in self.names}
        stops = tuple(
            f"{name} holds the answer of the {model} model: what is known only afterwards there is "
            "so here; leave it out (leave_out), or give the date on which it was known"
            for name, model in added.items()
        )
        return replace(self, stops=(*self.stops, *stops), names=(*self.names, *added))

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "stops": list(self.stops),
            "warnings": list(self.warnings),
            "names": list(self.names),
        }


NO_LEAKS = Leaks()


def find_leaks(table: ModelTable, predictor: Predictor) -> Leaks:
    """What of the rows that a model learnt from tells their label too well.

    Only headline rows are looked at: of the others, contracts past their end, most are lost, and
    what tells that a contract is over may honestly tell that.

    Parameters
    ----------
    table : ModelTable
        Mature rows of both classes, those that the model was fitted to.
    predictor : Predictor
        Fitted to them.
    """
    table = table.part(table.headline)
    warnings = dominant_features(predictor, table)
    if len(np.unique(table.label)) < 2:
        return Leaks(warnings=warnings, dated=table.dated)
    rows = label_rows(table)
    presence = telling_rows(table) if table.dated else None
    stops, names = ([], []) if presence is None else ([presence], [ROWS])
    features = table.features[list(predictor.encoding.columns)]
    agreed = [name for name, trait in table.traits.items() if trait.agreed]
    for gap, figure in telling_gaps(features, rows, agreed=agreed):
        stops.append(_gap_sentence(gap, figure))
        names += gap
    by_date = [name for name in agreed if name in features]
    most = _limit(features[by_date], rows)
    left = features.drop(columns=[name for name in {*names, *by_date} if name in features])
    for name, auc in telling_features(left, rows, most=most):
        stops.append(_value_sentence(name, f"{auc:.3f}{rows.within}", most))
        names.append(name)
    return Leaks(tuple(stops), warnings, tuple(names), table.dated)


def _limit(agreed: pd.DataFrame, rows: Labelled) -> float:
    """The most that a feature may tell: 0.95, or as much as agreed dates do, up to 0.99.

    A plan that is sold by the month tells no more than its term, and no less.
    """
    best = max([auc for _, auc in telling_features(agreed, rows, most=MOST_AUC)], default=0.0)
    return min(max(MOST_AUC, best), MOST_AUC_BESIDE_DATES)


def telling_features(
    features: pd.DataFrame, rows: Labelled, *, most: float
) -> list[tuple[str, float]]:
    """The features that alone have an AUC over ``most`` within as-of dates, the strongest first.

    A number is taken as it is, up or down, and cut into bins as well, where the limit is 0.99: a
    code may hold the answer in any order, while tenure may honestly go up and down year by year.

    Parameters
    ----------
    features : DataFrame, (n, k)
        NaN or None: missing.
    rows : Labelled
        The same rows.
    """
    found = []
    for name, column in features.items():
        if pd.api.types.is_numeric_dtype(column.dtype):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            auc, limit = number_auc(values, rows), most
            if not auc > limit:
                auc, limit = category_auc(_bins(values), rows), MOST_AUC_BESIDE_DATES
        else:
            auc, limit = category_auc(_codes(column), rows), most
        if auc > limit:
            found.append((str(name), auc))
    return sorted(found, key=lambda pair: -pair[1])


def dominant_features(predictor: Predictor, table: ModelTable) -> tuple[str, ...]:
    """A warning for the feature that has over 60 % of all gain, if there is one."""
    gain = predictor.booster.feature_importance(importance_type="gain")
    total = float(gain.sum())
    if not total > 0.0:
        return ()
    place = int(np.argmax(gain))
    share, name = float(gain[place]) / total, predictor.encoding.columns[place]
    if share <= MOST_GAIN:
        return ()
    day = "the as-of date" if table.dated else "the outcome"
    remedy = f"look whether its values are known before {day}"
    if table.traits.get(name, _NO_TRAIT).agreed:
        remedy = "it follows from agreed dates, so the model says little beyond the calendar"
    return (f"{name} has {100 * share:.0f} % of the model's importance: {remedy}",)


def heed(decision: Decision, leaks: Leaks) -> Decision:
    """The gate's decision once leaks are looked at: a stop is the verdict, a warning a reason."""
    said = (*leaks.stops, *(reason for reason in decision.reasons if reason not in leaks.stops))
    reasons = (*said, *(warning for warning in leaks.warnings if warning not in said))
    if leaks.stops:
        return Decision(leaks.verdict, False, reasons)
    return replace(decision, reasons=reasons)


def share_leaks(
    found: Mapping[str, Leaks], features: Mapping[str, Collection[str]]
) -> dict[str, Leaks]:
    """Each model's leaks with what another model of the company showed to hold the answer.

    Hindsight that tells one label outright tells the other one partly, which no limit sees.

    Parameters
    ----------
    found : mapping of model to Leaks
    features : mapping of model to names of its features
    """
    return {
        model: own.with_others(
            {
                name: other
                for other, theirs in found.items()
                for name in theirs.names
                if other != model and name in features[model]
            }
        )
        for model, own in found.items()
    }


def _bins(values: FloatArray) -> npt.NDArray[np.intp]:
    """Each number's place among equally full bins, (n,); missing is a bin of its own."""
    edges = np.unique(np.nanquantile(values, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, place).astype(np.intp)


def _codes(column: pd.Series) -> npt.NDArray[np.intp]:
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    return codes.astype(np.intp)


def _value_sentence(name: str, figure: str, most: float) -> str:
    return (
        f"{name} alone tells the label: AUC {figure}, over {most:.3g}; see "
        "from when its values are known, correct the query, or put it under leave_out"
    )


def _gap_sentence(names: tuple[str, ...], figure: str) -> str:
    what = f"that {' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing or not"
    return (
        f"{what} tells the label ({figure}): see whether the values are filled in, or emptied, "
        "when a customer leaves, correct the query, or put it under leave_out"
    )
