"""What a forecast run found, as figures and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np

from models.forecast_backtest import Coverage
from models.past_term import PastTerms
from models.retention import Outlook


@dataclass(frozen=True)
class Quarter:
    """One calendar quarter, ``until`` exclusive; the first one begins on the as-of date."""

    begin: date
    until: date
    contracts: float
    measures: Mapping[str, Outlook]

    def to_json(self) -> dict[str, object]:
        """For ``keepwell forecast --json``."""
        return {
            "from": self.begin.isoformat(),
            "until": self.until.isoformat(),
            "contracts_up": self.contracts,
            **{name: outlook.to_json() for name, outlook in self.measures.items()},
        }


@dataclass(frozen=True)
class Counted:
    """How many contracts, and their ARR; null where it is not known."""

    contracts: int
    arr: float | None


@dataclass(frozen=True)
class RateOfKind:
    """What mature past terms of one kind tell.

    ``arr_lost_share`` is of the ARR of all of them, the others of the ARR of those that went on.
    """

    kind: str
    terms: int
    lost: int
    arr_lost_share: float | None
    contraction_share: float | None
    expansion_share: float | None


def describe_rates(past: PastTerms) -> tuple[RateOfKind, ...]:
    """What past terms of each kind lost and changed, by number and by ARR."""
    kind = np.unravel_index(past.cell, past.kinds.shape)[0]
    found = []
    for number in np.unique(kind):
        here = kind == number
        arr, lost = past.arr[here], past.lost[here]
        priced = np.isfinite(arr)
        changed = priced & np.isfinite(past.change[here])
        before = arr[changed].sum()
        surplus = arr[changed] * (past.change[here][changed] - 1.0)
        found.append(
            RateOfKind(
                kind=past.kinds.names[number],
                terms=int(here.sum()),
                lost=int(lost.sum()),
                arr_lost_share=_share(arr[priced & lost].sum(), arr[priced].sum()),
                contraction_share=_share(np.maximum(-surplus, 0.0).sum(), before),
                expansion_share=_share(np.maximum(surplus, 0.0).sum(), before),
            )
        )
    return tuple(found)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole > 0 else None


@dataclass(frozen=True)
class ForecastReport:
    """A forecast with what it stands on.

    Parameters
    ----------
    company, currency : str
    as_of : date
    basis : {'model_and_rates', 'rates'}
    basis_reason : str
        One sentence: what the probabilities come from, and why.
    quarters : tuple of Quarter
    horizon : mapping of str to Outlook
        ``grr_of_opening`` and ``nrr_of_opening`` over all quarters together, ``closing_arr``.
    contracts : mapping of str to Counted
        By how each contract is treated.
    rates : tuple of RateOfKind
    parent_spread, quarter_spread : float
        Log-odds: how much parents, and quarters, differ in their losses.
    accounts, parents : int
        In the forecast.
    origins : tuple of date
        Of the backtest; by the model in ``origins_by_model`` of them.
    by_quarter, by_month : tuple of Coverage
        Over origins at quarter starts, and at month starts, which overlap.
    """

    company: str
    currency: str
    as_of: date
    basis: str
    basis_reason: str
    quarters: tuple[Quarter, ...]
    horizon: Mapping[str, Outlook]
    contracts: Mapping[str, Counted]
    rates: tuple[RateOfKind, ...]
    parent_spread: float
    quarter_spread: float
    accounts: int
    parents: int
    origins: tuple[date, ...]
    origins_by_model: int
    by_quarter: tuple[Coverage, ...]
    by_month: tuple[Coverage, ...]

    def to_json(self) -> dict[str, object]:
        """For ``keepwell forecast --json``; the names are explained in docs/forecast.md."""
        return {
            "company": self.company,
            "currency": self.currency,
            "as_of": self.as_of.isoformat(),
            "basis": self.basis,
            "basis_reason": self.basis_reason,
            "quarters": [quarter.to_json() for quarter in self.quarters],
            "horizon": {name: outlook.to_json() for name, outlook in self.horizon.items()},
            "contracts": {name: asdict(counted) for name, counted in self.contracts.items()},
            "rates": [asdict(rate) for rate in self.rates],
            "dependence": {
                "accounts": self.accounts,
                "parents": self.parents,
                "parent_spread": self.parent_spread,
                "quarter_spread": self.quarter_spread,
            },
            "backtest": {
                "origins": len(self.origins),
                "origins_by_model": self.origins_by_model,
                "first_origin": self.origins[0].isoformat() if self.origins else None,
                "last_origin": self.origins[-1].isoformat() if self.origins else None,
                "quarter_starts": [coverage.to_json() for coverage in self.by_quarter],
                "month_starts": [coverage.to_json() for coverage in self.by_month],
            },
        }
