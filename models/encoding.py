"""From feature columns to the matrix that a booster reads, the same at training and scoring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from features.errors import InputError, InvariantError, Problem
from models.table import FloatArray

# LightGBM refuses the signs of JSON in a feature's name and replaces spaces behind one's back.
UNSAFE_NAME = re.compile(r'[\s",:\[\]{}]')


@dataclass(frozen=True)
class Encoding:
    """How each feature becomes a number.

    Parameters
    ----------
    columns : tuple of str
        Features in the order of the matrix.
    categories : mapping of str to tuple of str
        Known values of each categorical feature; a value's code is its place.
    """

    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def encode(self, features: pd.DataFrame) -> pd.DataFrame:
        """The matrix of the features, columns matched by name.

        Parameters
        ----------
        features : DataFrame, (n, at least k)
            NaN or None: missing.

        Returns
        -------
        DataFrame, (n, k), float64
            NaN: missing, or a category not seen at training.
        """
        absent = [name for name in self.columns if name not in features.columns]
        if absent:
            raise InvariantError(f"the features {', '.join(absent)} are missing from the rows")
        # Columns are written one after another, and pandas keeps the array as it is.
        matrix = np.empty((len(features), len(self.columns)), order="F")
        for place, name in enumerate(self.columns):
            if name in self.categories:
                matrix[:, place] = self._encode_category(features[name])
            else:
                matrix[:, place] = features[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.DataFrame(matrix, columns=list(self.columns), index=features.index, copy=False)

    def _encode_category(self, column: pd.Series) -> FloatArray:
        known = self.categories[str(column.name)]
        codes = pd.Index(known, dtype=object).get_indexer(pd.Index(column, dtype=object))
        return np.where(codes < 0, np.nan, codes).astype(np.float64)


def fit_encoding(features: pd.DataFrame) -> tuple[Encoding, tuple[str, ...]]:
    """An encoding of the columns that vary, and a notice for each that was left out.

    Parameters
    ----------
    features : DataFrame, (n, k)
        Training rows. Numbers and booleans stay numbers; anything else is a category.

    Raises
    ------
    InputError
        When a column's name cannot be a feature's name.
    """
    _check_names(features)
    columns: list[str] = []
    categories: dict[str, tuple[str, ...]] = {}
    notices: list[str] = []
    for name in map(str, features.columns):
        column = features[name]
        if column.nunique(dropna=False) < 2:
            value = "missing" if column.isna().all() else "the same"
            notices.append(f"feature {name} is left out: {value} in all {len(column):,} rows")
            continue
        columns.append(name)
        if not pd.api.types.is_numeric_dtype(column.dtype):
            categories[name] = tuple(sorted(str(value) for value in column.dropna().unique()))
    return Encoding(tuple(columns), categories), tuple(notices)


def _check_names(features: pd.DataFrame) -> None:
    unsafe = [str(name) for name in features.columns if UNSAFE_NAME.search(str(name))]
    if unsafe:
        raise InputError(
            [
                Problem(
                    table="features",
                    column=name,
                    rule="a feature's name must not contain spaces or any of \" , : [ ] { }",
                    remedy="rename it, for example with underscores",
                )
                for name in unsafe
            ]
        )
