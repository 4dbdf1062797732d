"""One model's as-of rows: what the features layer hands over and training reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import InvariantError

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

ROW_COLUMNS = (
    "account_id",
    "group_id",
    "contract_id",
    "as_of",
    "label_known_at",
    "label",
    "arr",
    "headline",
    "tenure_days",
    "days_to_renewal",
    "events_change_28d",
)


@dataclass(frozen=True)
class Trait:
    """What is known of a feature before any row is seen.

    Parameters
    ----------
    group : str
        Of the catalogue.
    direction : {'raises', 'lowers'} or None
        What a higher value does to the probability, other things equal; None: nothing is said.
    agreed : bool
        Whether the value follows from dates agreed beforehand, which may honestly tell much.
    """

    group: str = ""
    direction: Literal["raises", "lowers"] | None = None
    agreed: bool = False


@dataclass(frozen=True, eq=False)
class ModelTable:
    """The rows (account, or contract, by as-of date) of one model with their features.

    Parameters
    ----------
    model : str
        ``churn`` or ``renewal``.
    rows : DataFrame, (n, 11 + slices)
        RangeIndex. ``account_id`` str; ``group_id`` str, the parent or else the account;
        ``contract_id`` str or None; ``as_of`` datetime64, a midnight; ``label_known_at``
        datetime64, the first day on which the label is known *whatever the outcome* (were one
        outcome known earlier than the other, the youngest rows would all be of one class);
        ``label`` float 0 or 1, NaN when not mature; ``arr`` float in the reporting currency, NaN
        when unknown; ``headline`` bool, False for rows that are trained on but not measured;
        ``tenure_days``, ``days_to_renewal`` and ``events_change_28d`` (use in the last 28 days over
        the 28 before, less 1) float, NaN when unknown. Every further column is a slice: str, None
        when unknown.
    features : DataFrame, (n, k)
        Same index. Numbers (NaN: missing) and strings (None: missing).
    data_end : date or None
        Exclusive end of what is known; None where nobody knows it, which only rows without dates
        may say.
    horizon_days, lead_days : int or None
        Of the label; None where they were not stated.
    traits : mapping of str to Trait
        By feature; one that is not there has none.
    dated : bool
        False when the rows bear no dates of their own: ``as_of`` is then one day for all of them,
        and no row can be judged by a model of earlier ones. Without `data_end` that day means
        nothing and is told to nobody.

    Raises
    ------
    InvariantError
        When the parts do not fit together.
    """

    model: str
    rows: pd.DataFrame
    features: pd.DataFrame
    data_end: date | None
    horizon_days: int | None
    lead_days: int | None
    traits: Mapping[str, Trait] = field(default_factory=dict)
    dated: bool = True
    health: FloatArray | None = None

    def __post_init__(self) -> None:
        missing = [name for name in ROW_COLUMNS if name not in self.rows.columns]
        if missing:
            raise InvariantError(f"{self.model}: rows lack the columns {', '.join(missing)}")
        if not self.rows.index.equals(self.features.index):
            raise InvariantError(f"{self.model}: rows and features have different indexes")
        if self.health is not None and len(self.health) != len(self.rows):
            raise InvariantError(f"{self.model}: rows and health have different lengths")
        if self.dated and self.data_end is None:
            raise InvariantError(f"{self.model}: rows with dates must say until when they tell")
        label = self.label
        if not np.isin(label[~np.isnan(label)], (0.0, 1.0)).all():
            raise InvariantError(f"{self.model}: labels must be 0, 1 or NaN")
        numbers = self.features.select_dtypes("number")
        if np.isinf(numbers.to_numpy(dtype=np.float64, na_value=np.nan)).any():
            raise InvariantError(f"{self.model}: a feature is infinite; missing must be NaN")
        if self.rows["label_known_at"].isna().to_numpy()[self.mature].any():
            raise InvariantError(f"{self.model}: a row has a label but no label_known_at")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def label(self) -> FloatArray:
        """Labels, (n,): 0, 1 or NaN when not mature."""
        return self.rows["label"].to_numpy(dtype=np.float64, na_value=np.nan)

    @property
    def mature(self) -> BoolArray:
        """Whether the label is known, (n,)."""
        return ~np.isnan(self.label)

    @property
    def headline(self) -> BoolArray:
        """Whether the row counts in the metrics, (n,)."""
        return self.rows["headline"].to_numpy(dtype=np.bool_)

    @property
    def group(self) -> npt.NDArray[np.object_]:
        """Parent, or else account, (n,): rows that depend on each other."""
        return self.rows["group_id"].to_numpy(dtype=np.object_)

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns by which the metrics are also given."""
        return tuple(str(name) for name in self.rows.columns if name not in ROW_COLUMNS)

    def part(self, chosen: BoolArray) -> ModelTable:
        """The table of the chosen rows.

        Parameters
        ----------
        chosen : bool, (n,)
        """
        return replace(
            self,
            rows=self.rows.loc[chosen].reset_index(drop=True),
            features=self.features.loc[chosen].reset_index(drop=True),
            health=None if self.health is None else self.health[chosen],
        )
