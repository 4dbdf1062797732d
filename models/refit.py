"""How far a probability would move had other accounts been in the training data: refits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.bootstrap import draw_groups
from models.calibration import fit_calibration, logit, sigmoid
from models.encoding import Encoding
from models.monotone import constrain
from models.predictor import Predictor
from models.settings import LEAST_REFITS, TrainingSettings
from models.table import FloatArray, ModelTable
from models.training import FittedModel, Parameters

if TYPE_CHECKING:
    import lightgbm as lgb

LEVEL = 0.9
# A refit costs about a fifth of the recipe itself: only features that the model splits on, a third
# of the trees at three times the learning rate, coarser bins. docs/adr/0009 holds what that does to
# the intervals: on the demo company they come out 5 to 6 % wider.
COARSER = 3
QUICK: Mapping[str, float | int] = {"max_bin": 63, "feature_fraction": 0.5}


class Interval(NamedTuple):
    """Both ends of the interval of each probability, float, (n,), shares 0-1; NaN: unknown."""

    low: FloatArray
    high: FloatArray

    @property
    def width(self) -> FloatArray:
        """Difference of the ends, (n,)."""
        return self.high - self.low


@dataclass(frozen=True, eq=False)
class Refits:
    """Models of one recipe, each of another bootstrap sample of the groups.

    Parameters
    ----------
    encoding : Encoding
        Of the model that was refitted.
    predictors : tuple of Predictor
        At least 5, each calibrated on the groups that its sample left out. Their encoding holds
        the features that the model splits on.
    """

    encoding: Encoding
    predictors: tuple[Predictor, ...]

    def interval(self, features: pd.DataFrame, probability: FloatArray) -> Interval:
        """The 90 % interval of each published probability, which always lies inside.

        In log-odds: the published value plus and minus Student's quantile times the standard
        deviation over the refits. It covers the chance of which accounts happened to be in the
        training data, and of the seed. It does not cover what no company's data shows: a reason
        that leaves no trace in the tables, a market that turns, a label that is wrong. It is no
        interval for the outcome either, which is a loss or none.

        Percentiles of a dozen refits would be little more than their least and greatest; a
        standard deviation needs far fewer.

        Parameters
        ----------
        features : DataFrame, (n, at least k)
            NaN or None: missing.
        probability : float, (n,)
            As published for these rows.

        References
        ----------
        Efron, B. and Tibshirani, R. (1993). An introduction to the bootstrap, chapters 6 and 12.
        """
        from scipy.special import stdtrit

        matrix = self.encoding.encode(features)
        log_odds = np.array(
            [
                one.calibration.log_odds(one.raw(matrix[list(one.encoding.columns)]))
                for one in self.predictors
            ]
        )
        quantile = float(stdtrit(len(self.predictors) - 1, (1.0 + LEVEL) / 2))
        reach = quantile * log_odds.std(axis=0, ddof=1)
        centre = logit(probability)
        return Interval(
            np.minimum(sigmoid(centre - reach), probability),
            np.maximum(sigmoid(centre + reach), probability),
        )


def no_interval(rows: int) -> Interval:
    """What is known of so many probabilities without refits: nothing."""
    return Interval(np.full(rows, np.nan), np.full(rows, np.nan))


def find_interval(
    refits: Refits | None, features: pd.DataFrame, probability: FloatArray
) -> Interval:
    """As `Refits.interval`; NaN where there are no refits."""
    if refits is None or len(features) == 0:
        return no_interval(len(features))
    return refits.interval(features, probability)


def fit_refits(
    table: ModelTable, fitted: FittedModel, *, settings: TrainingSettings
) -> Refits | None:
    """Refits of a model's recipe on bootstrap samples of its groups.

    A sample draws as many groups (parents, else accounts) as there are, with replacement; rows
    weigh as often as their group was drawn. The groups that were not drawn calibrate the refit,
    as they never touched it.

    Parameters
    ----------
    table : ModelTable
        The rows that `fitted` learnt from.
    fitted : FittedModel
        The model whose probabilities are to get intervals.
    settings : TrainingSettings
        How many, and the seed.

    Returns
    -------
    Refits or None
        None when none are wanted, the model has no split, or fewer than 5 samples have both
        classes on both sides.
    """
    encoding = _read_features(fitted)
    if settings.refits == 0 or not encoding.columns:
        return None
    matrix, label = encoding.encode(table.features), table.label
    params, trees = _quick_recipe(fitted.params)
    params = constrain(params, encoding, table.traits)
    dataset = _bin(matrix, label, encoding, params)
    numbers = np.random.SeedSequence(settings.seed).generate_state(settings.refits + 1) >> 1
    predictors = []
    for seed, weight in zip(numbers[1:], _weights(table, settings, int(numbers[0])), strict=True):
        left_out = weight == 0
        if _one_class(label[left_out]) or _one_class(label[~left_out]):
            continue
        booster = _fit(dataset, weight, {**params, "seed": int(seed)}, trees)
        raw = booster.predict(matrix[left_out], raw_score=True, num_threads=settings.threads)
        calibration = fit_calibration(np.asarray(raw, dtype=np.float64), label[left_out])
        predictors.append(Predictor(booster, encoding, calibration, settings.threads))
    if len(predictors) < LEAST_REFITS:
        return None
    return Refits(fitted.predictor.encoding, tuple(predictors))


def _read_features(fitted: FittedModel) -> Encoding:
    """The encoding of the features on which the model splits at least once."""
    whole = fitted.predictor.encoding
    splits = fitted.predictor.booster.feature_importance("split")
    return restrict(
        whole, [name for name, count in zip(whole.columns, splits, strict=True) if count]
    )


def restrict(encoding: Encoding, columns: Sequence[str]) -> Encoding:
    """The part of an encoding that concerns some of its columns."""
    known = {name: values for name, values in encoding.categories.items() if name in columns}
    return Encoding(tuple(columns), known)


def _quick_recipe(params: Parameters) -> tuple[Parameters, int]:
    """Parameters and number of trees of a refit."""
    trees = max(1, round(int(params["num_iterations"]) / COARSER))
    quick = {name: value for name, value in params.items() if name != "num_iterations"}
    rate = min(1.0, COARSER * float(params["learning_rate"]))
    return {**quick, **QUICK, "learning_rate": rate}, trees


def _bin(
    matrix: pd.DataFrame, label: FloatArray, encoding: Encoding, params: Parameters
) -> lgb.Dataset:
    """The rows in bins, made once: every refit takes its part of them."""
    import lightgbm as lgb

    dataset = lgb.Dataset(
        matrix,
        label,
        categorical_feature=list(encoding.categories),
        params=params,
        free_raw_data=False,
    )
    return dataset.construct()


def _weights(table: ModelTable, settings: TrainingSettings, seed: int) -> Iterator[FloatArray]:
    """How often each row was drawn, (n,), sample by sample."""
    draws = draw_groups(table.group, replicates=settings.refits, seed=seed)
    for block in draws.weights():
        yield from block


def _one_class(label: FloatArray) -> bool:
    return len(label) == 0 or bool(label.min() == label.max())


def _fit(dataset: lgb.Dataset, weight: FloatArray, params: Parameters, trees: int) -> lgb.Booster:
    import lightgbm as lgb

    drawn: npt.NDArray[np.intp] = np.flatnonzero(weight)
    part = dataset.subset(cast("list[int]", drawn)).construct()
    part.set_weight(weight[drawn])
    return lgb.train(params, part, num_boost_round=trees).free_dataset()
