"""One contract of the demo, and what the contracts of one account depend on.

What only the generator knows (the day of the decision, a coming price rise, whether the term is
lost) stands beside the columns of the contract table and is left out there.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipelines.demo.cause import BASE, LOW_FIT_WEIGHT
from pipelines.demo.period import DATA_END

COLUMNS = [
    *("contract_id", "account_id", "start_date", "end_date", "terminated_at", "arr", "currency"),
    *("seats", "plan", "product", "discount", "billing_period_months", "term_months"),
    *("auto_renew", "notice_days", "notice_given_at", "signed_at", "renews"),
]


@dataclass(frozen=True)
class Customer:
    """What the contracts of one account depend on; `parallel` accounts buy a second product."""

    account: int
    account_id: str
    kind: str
    birth: int
    seats: int
    discount: float
    low_fit: bool
    currency: str
    parallel: bool

    @property
    def rise_chance(self) -> float:
        """Chance that one decision comes with a price rise; more likely after a discount."""
        if self.kind == "evergreen":
            return 0.0
        usual, discounted = (0.01, 0.03) if self.kind == "monthly" else (0.05, 0.25)
        return discounted if self.discount else usual

    @property
    def base(self) -> float:
        """Log-odds of a loss at a decision while no cause that comes and goes is active."""
        return BASE[self.kind] + LOW_FIT_WEIGHT * self.low_fit


@dataclass
class Term:
    """One contract; days are numbers, None where there is none.

    Parameters
    ----------
    main : bool
        False for a second product and for a trial, which follow or precede the main contract.
    decided_at : int or None
        Day on which the customer decides; None for evergreen contracts, which decide monthly.
    announced_at : int or None
        Day from which a coming price rise, or that there is none, is known.
    lost_on : int or None
        Day on which the account leaves with the end of this contract; None when it does not.
    """

    account: int
    account_id: str
    kind: str
    start_date: int
    end_date: int | None
    signed_at: int
    arr: float
    currency: str
    seats: int
    plan: str
    discount: float
    billing_period_months: int
    term_months: int | None
    auto_renew: bool
    notice_days: int | None
    contract_id: str = ""
    product: str = "core"
    renews: str | None = None
    notice_given_at: int | None = None
    terminated_at: int | None = None
    main: bool = True
    low_fit: bool = False
    base: float = 0.0
    rise_chance: float = 0.0
    interruptible: bool = False
    decided_at: int | None = None
    decided_early: bool = False
    decision_cause: str | None = None
    rise: bool = False
    announced_at: int | None = None
    lost_on: int | None = None

    @property
    def actual_end(self) -> int:
        """Day on which the contract stopped running, later than the data when it still does."""
        ends = [day for day in (self.end_date, self.terminated_at) if day is not None]
        return min(ends, default=DATA_END + 1)


def contract_table(terms: pd.DataFrame) -> pd.DataFrame:
    """The contract table ``contracts``: what the vendor's system would hold at the data's end."""
    table = terms[COLUMNS].copy()
    for column in ("terminated_at", "notice_given_at"):
        table[column] = table[column].where(table[column] < DATA_END)
    return table.sort_values(["account_id", "start_date", "contract_id"], ignore_index=True)
