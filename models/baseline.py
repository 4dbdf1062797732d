"""What a model has to beat: rankings that anybody could make without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from models.encoding import Encoding, fit_encoding
from models.settings import TrainingSettings
from models.table import FloatArray, ModelTable
from models.training import booster_parameters, fit_booster

BASE_RATE = "base_rate"
LOGISTIC_REGRESSION = "logistic_regression"
HEALTH_SCORE = "health_score"
# Baselines of few columns, which a model must beat beyond noise.
ALONE = {
    "tenure": ("tenure_days",),
    "days_to_renewal": ("days_to_renewal",),
    "days_to_renewal_with_trend": ("days_to_renewal", "events_change_28d"),
}
TITLES = {
    BASE_RATE: "base rate",
    "tenure": "tenure alone",
    "days_to_renewal": "days to renewal alone",
    "days_to_renewal_with_trend": "days to renewal, usage trend",
    LOGISTIC_REGRESSION: "logistic regression",
    HEALTH_SCORE: "health score, lowest first",
}
# What few columns are tried in; the strongest on the judged rows is the bar. What a small booster
# learns of one column may not hold later, where plainly the newest first would; and renewals that
# are overdue, which nobody is asked about, may teach it what is wrong of the others.
AS_LEARNT = "as learnt"
LEARNT_OPEN = "as learnt from what is open"
ORDERS = (AS_LEARNT, LEARNT_OPEN, "highest first", "lowest first")
TREES_ALONE = 60
MOST_CATEGORIES = 30


def title_of(name: str, order: str | None = None) -> str:
    """A baseline in words, with the order that was its strongest."""
    title = TITLES.get(name, name)
    return title if order is None else f"{title}, {order}"


def score_baselines(
    train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> dict[str, FloatArray]:
    """Scores of the test rows by each baseline; high means likely 1.

    Parameters
    ----------
    train, test : ModelTable
        Mature rows, both classes in ``train``.
    settings : TrainingSettings
        Recipe; the seed and the size of a leaf are the model's.

    Returns
    -------
    dict of str to float, (n_test,) or (n_test, k)
        ``base_rate`` (of the rows that are asked about), ``tenure``, ``days_to_renewal``,
        ``days_to_renewal_with_trend``, ``logistic_regression``, ``health_score`` (the worst first).
        Columns alone have a score for each of ``ORDERS``, two columns for the first two. A baseline
        of columns that no training row knows is left out.
    """
    asked = train.part(train.headline)
    prior = float((asked if len(asked) else train).label.mean())
    scores = {BASE_RATE: np.full(len(test), prior)}
    for name, columns in ALONE.items():
        if train.rows[list(columns)].isna().all(axis=None):
            continue
        learnt = _learn_alone(train, test, columns, settings=settings, prior=prior)
        tried = [learnt, learnt]  # the same where nothing is overdue
        if len(asked) < len(train):
            tried[1] = _learn_alone(asked, test, columns, settings=settings, prior=prior)
        if len(columns) == 1:
            tried += _both_ways(test.rows[columns[0]])
        scores[name] = np.column_stack(tried)
    scores[LOGISTIC_REGRESSION] = score_logistic(train, test, settings=settings)
    if test.health is not None and not np.isnan(test.health).all():
        scores[HEALTH_SCORE] = np.where(np.isnan(test.health), -np.inf, -test.health)
    return scores


def _learn_alone(
    train: ModelTable,
    test: ModelTable,
    columns: tuple[str, ...],
    *,
    settings: TrainingSettings,
    prior: float,
) -> FloatArray:
    """Scores, (n_test,), of a booster that sees a few columns of ``rows``; NaN there is unknown.

    The same score for all where there is nothing to learn.
    """
    varying = [name for name in columns if train.rows[name].nunique(dropna=False) > 1]
    if not varying or len(np.unique(train.label)) < 2:
        return np.full(len(test), prior)
    booster = fit_booster(
        train.rows[varying].astype(np.float64),
        train.label,
        booster_parameters(settings, rows=len(train)),
        trees=TREES_ALONE,
        categories=[],
    )
    matrix = test.rows[varying].astype(np.float64)
    return np.asarray(booster.predict(matrix, num_threads=settings.threads), dtype=np.float64)


def _both_ways(column: pd.Series) -> list[FloatArray]:
    """Scores, (n_test,), by the highest and the lowest value; what is unknown is last in both."""
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return [np.where(np.isnan(values), -np.inf, way) for way in (values, -values)]


def score_logistic(
    train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> FloatArray:
    """Scores, (n_test,), of a logistic regression on the model's own features."""
    from threadpoolctl import threadpool_limits

    encoding, _ = fit_encoding(train.features)
    pipeline = _logistic_pipeline(encoding)
    # On a busy machine BLAS on all cores takes several times as long, and sums in another order.
    with threadpool_limits(settings.threads, user_api="blas"):
        pipeline.fit(encoding.encode(train.features), train.label)
        proba = pipeline.predict_proba(encoding.encode(test.features))
    return np.asarray(proba[:, 1], dtype=np.float64)


# scikit-learn has no types, hence Any.
def _logistic_pipeline(encoding: Encoding) -> Any:
    """Numbers: median, missing indicator, signed log, scale; categories: one column each.

    Without the logarithm a few accounts with millions of events would set the scale of all, and
    the baseline would be easier to beat than it should be.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    categories = list(encoding.categories)
    numbers = [name for name in encoding.columns if name not in encoding.categories]
    number = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        FunctionTransformer(_signed_log),
        StandardScaler(),
    )
    category = OneHotEncoder(handle_unknown="ignore", max_categories=MOST_CATEGORIES)
    columns = ColumnTransformer([("number", number, numbers), ("category", category, categories)])
    return make_pipeline(columns, LogisticRegression(max_iter=1000))


def _signed_log(values: FloatArray | pd.DataFrame) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(np.sign(array) * np.log1p(np.abs(array)))
