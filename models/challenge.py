"""Champion and challenger: both on the same rows, later than everything that either learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.bootstrap import Bootstrap, Estimate, draw_groups
from models.figure import UNKNOWN, both
from models.gate import Decision, spell
from models.predictor import Predictor
from models.ranking import Ranked, rank_auc, rank_average_precision
from models.settings import ModelSettings, PromotionSettings
from models.stability import first_thresholds, measure_tier_changes
from models.table import BoolArray, ModelTable
from models.trained import Trained

LEAST_SLICE_POSITIVES = 30
METRICS = {"auc": "AUC", "average_precision": "average precision"}


@dataclass(frozen=True, eq=False)
class Champion:
    """The model in use, as far as a challenge needs it.

    Parameters
    ----------
    version : str
    recipe : str
        What `models.trained.recipe_of` said when it was trained.
    predictor : Predictor
        The model in use.
    data_end : date or None
        It knew nothing that became known from this day on; None where nobody knows.
    judged : Predictor or None
        The copy of it that was judged, of earlier rows; None in old bundles.
    judged_from : date or None
        That copy knew nothing that became known after this day.
    """

    version: str
    recipe: str
    predictor: Predictor
    data_end: date | None
    judged: Predictor | None = None
    judged_from: date | None = None


@dataclass(frozen=True)
class Challenge:
    """How a challenger did beside the champion.

    Parameters
    ----------
    version : str
        Of the champion.
    same_recipe : bool
        Whether the challenger is a refresh.
    rows, positives : int
        Mature rows that both were scored on; 0 where they cannot be compared.
    metric : str
        ``auc`` or ``average_precision``.
    champion, difference : Estimate
        The champion's figure, and the challenger's less it, paired.
    tier_changes : Estimate
        Share of tiers that change from date to date, the challenger's less the champion's.
    accepted : bool
        Whether the challenger may take its place.
    reasons : tuple of str
    """

    version: str
    same_recipe: bool
    rows: int
    positives: int
    metric: str
    champion: Estimate
    difference: Estimate
    tier_changes: Estimate
    accepted: bool
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """Under ``champion`` in ``keepwell run --json``."""
        return {
            "version": self.version,
            "same_recipe": self.same_recipe,
            "rows": self.rows,
            "positives": self.positives,
            "metric": self.metric,
            **both("value", self.champion),
            **both("difference", self.difference),
            **both("tier_changes_difference", self.tier_changes),
            "accepted": self.accepted,
            "reasons": list(self.reasons),
        }


def challenge(trained: Trained, champion: Champion, settings: ModelSettings) -> Challenge:
    """Both models on the mature test rows that are later than what either learnt from.

    The challenger stands for itself by the copy that was judged; so does the champion, unless
    enough rows are later than all that the model in use knew.

    Parameters
    ----------
    trained : Trained
        The challenger.
    champion : Champion
    settings : ModelSettings
    """
    same = trained.recipe == champion.recipe
    rival, chosen = _comparable(trained.test, champion, settings)
    if rival is None:
        reason = f"champion {champion.version} cannot be compared: {_obstacle(trained, champion)}"
        return Challenge(
            champion.version, same, 0, 0, settings.promotion.metric, UNKNOWN, UNKNOWN, UNKNOWN,
            accepted=True, reasons=(reason,),
        )  # fmt: skip
    test = trained.test.part(chosen)
    draws = draw_groups(
        test.group, replicates=settings.training.replicates, seed=settings.training.seed
    )
    new, old = _Side(trained.judged.predictor, test, draws), _Side(rival, test, draws)
    metric = settings.promotion.metric
    difference = new.metric(metric).minus(old.metric(metric))
    flapping = _flapping(trained, champion, settings)
    faults = [
        _ranking_fault(difference, settings.promotion, champion.version, same=same),
        _mean_fault(new, old),
        *_collapsed(new, old),
        "its tiers flap more than the champion's: the share that changes from date to date "
        f"differs by {spell(flapping, sign='+')}"
        if flapping.low > 0.0
        else None,
    ]
    against = tuple(fault for fault in faults if fault)
    said = (
        f"champion {champion.version}{' (same recipe)' if same else ''} on the same "
        f"{len(test):,} rows: {METRICS[metric]} differs by {spell(difference, sign='+')}"
    )
    return Challenge(
        version=champion.version,
        same_recipe=same,
        rows=len(test),
        positives=int(test.label.sum()),
        metric=metric,
        champion=old.metric(metric).estimate,
        difference=difference,
        tier_changes=flapping,
        accepted=not against,
        reasons=(said, *against),
    )


def decide_challenge(decision: Decision, found: Challenge | None) -> Decision:
    """The gate's decision, and whether the champion gives way."""
    if found is None:
        return decision
    reasons = (*decision.reasons, *found.reasons)
    if decision.promoted and not found.accepted:
        return Decision(f"does not replace champion {found.version}", False, reasons)
    return Decision(decision.verdict, decision.promoted, reasons)


class _Side:
    """One of the two models on the common rows."""

    def __init__(self, predictor: Predictor, test: ModelTable, draws: Bootstrap) -> None:
        self.test, self.draws = test, draws
        self.raw = predictor.raw(predictor.encoding.encode(test.features))
        self.probability = predictor.calibration.probability(self.raw)

    def metric(self, name: str) -> Ranked:
        """The figure by which models are compared."""
        if name == "auc":
            return self.auc(np.ones(len(self.test), dtype=np.bool_))
        return rank_average_precision(self.test.label, self.probability, self.draws)

    def auc(self, chosen: BoolArray) -> Ranked:
        """AUC within as-of dates of some of the rows."""
        as_of = self.test.rows["as_of"].to_numpy()[chosen]
        return rank_auc(self.test.label[chosen], self.raw[chosen], as_of, self.draws.part(chosen))

    def mean_miss(self) -> Ranked:
        """How far the mean probability is from the share of positives."""
        miss = np.column_stack([self.probability - self.test.label, np.ones(len(self.test))])
        total, rows = (self.draws.counts @ self.draws.group_sums(miss)).T
        return Ranked(abs(float(miss[:, 0].mean())), np.abs(total / rows))


def _comparable(
    test: ModelTable, champion: Champion, settings: ModelSettings
) -> tuple[Predictor | None, BoolArray]:
    """The champion's copy to compare with, and the rows that it had no part in."""
    if not test.dated:  # both may have learnt from these very accounts
        return None, np.zeros(len(test), dtype=np.bool_)
    as_of = test.rows["as_of"]
    copies = [(champion.predictor, champion.data_end), (champion.judged, champion.judged_from)]
    for predictor, known_until in copies:
        if predictor is None or known_until is None or _absent(test, predictor):
            continue
        later = (as_of >= pd.Timestamp(known_until)).to_numpy(dtype=np.bool_)
        if test.label[later].sum() >= settings.training.min_test_positives:
            return predictor, later
    return None, np.zeros(len(test), dtype=np.bool_)


def _absent(test: ModelTable, predictor: Predictor) -> list[str]:
    return [name for name in predictor.encoding.columns if name not in test.features]


def _obstacle(trained: Trained, champion: Champion) -> str:
    if not trained.test.dated:
        return "rows without dates cannot be told to be later than what it learnt from"
    absent = _absent(trained.test, champion.predictor)
    if absent:
        return f"{len(absent)} of its features are no longer computed, such as {absent[0]}"
    return "too few lost accounts are later than what it learnt from"


def _ranking_fault(
    difference: Estimate, promotion: PromotionSettings, version: str, *, same: bool
) -> str | None:
    """Why the ranking is not good enough to replace the champion's; None when it is."""
    if same and not difference.value >= -promotion.margin:
        return f"worse than champion {version} by more than the margin of {promotion.margin}"
    if not same and not difference.low > 0.0:
        return f"a new recipe that is not better than champion {version} beyond noise"
    return None


def _mean_fault(new: _Side, old: _Side) -> str | None:
    further = new.mean_miss().minus(old.mean_miss())
    if not further.low > 0.0:
        return None
    return f"its mean probability is further off than the champion's, by {spell(further, sign='+')}"


def _collapsed(new: _Side, old: _Side) -> list[str]:
    """Slices with 30 positives whose AUC interval lies wholly below the champion's."""
    faults = []
    for column in new.test.slice_columns:
        values = new.test.rows[column]
        for value in sorted(values.dropna().unique()):
            chosen = (values == value).to_numpy(dtype=np.bool_)
            if new.test.label[chosen].sum() < LEAST_SLICE_POSITIVES:
                continue
            found, before = new.auc(chosen).estimate, old.auc(chosen).estimate
            if found.high < before.low:
                faults.append(
                    f"{column} {value} collapsed: AUC {spell(found)}, the champion's "
                    f"{spell(before)}"
                )
    return faults


def _flapping(trained: Trained, champion: Champion, settings: ModelSettings) -> Estimate:
    """By how much more the tiers change from date to date, on the latest dates of the grid."""
    if _absent(trained.recent, champion.predictor):
        return UNKNOWN
    shares = [
        measure_tier_changes(
            trained.recent, probability, first_thresholds(trained.recent, probability, settings),
            settings,
        )
        for probability in (
            predictor.probability(trained.recent.features)
            for predictor in (trained.shipped.predictor, champion.predictor)
        )
    ]  # fmt: skip
    return shares[0].minus(shares[1])
