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
}
TREES_ALONE = 60
MOST_CATEGORIES = 30


def score_baselines(
    train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> dict[str, FloatArray]:
    """Scores of the test rows by each baseline; high means likely 1.

    Parameters
    ----------
    train, test : ModelTable
        Mature rows, both classes in ``train``. Baselines learn from the rows that the model
        learns from.
    settings : TrainingSettings
        Recipe; the seed and the size of a leaf are the model's.

    Returns
    -------
    dict of str to float, (n_test,)
        ``base_rate``, ``tenure``, ``days_to_renewal``, ``days_to_renewal_with_trend``,
        ``logistic_regression``. A baseline of columns that no training row knows is left out.
    """
    scores = {BASE_RATE: np.full(len(test), float(train.label.mean()))}
    for name, columns in ALONE.items():
        if train.rows[list(columns)].isna().all(axis=None):
            continue
        scores[name] = score_alone(train, test, columns, settings=settings)
    scores[LOGISTIC_REGRESSION] = score_logistic(train, test, settings=settings)
    return scores


def score_alone(
    train: ModelTable, test: ModelTable, columns: tuple[str, ...], *, settings: TrainingSettings
) -> FloatArray:
    """Scores, (n_test,), of a booster that sees a few columns of ``rows``; NaN there is unknown."""
    varying = [name for name in columns if train.rows[name].nunique(dropna=False) > 1]
    if not varying:
        return np.full(len(test), float(train.label.mean()))
    booster = fit_booster(
        train.rows[varying].astype(np.float64),
        train.label,
        booster_parameters(settings, rows=len(train)),
        trees=TREES_ALONE,
        categories=[],
    )
    matrix = test.rows[varying].astype(np.float64)
    return np.asarray(booster.predict(matrix, num_threads=settings.threads), dtype=np.float64)


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
