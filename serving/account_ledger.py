"""What the page of an account reads of the store; blocks on it."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from models.account_score import AccountScore, Basis, State, Tier
from models.alert import Alert
from models.health import Health
from models.page_reader import PageReader
from models.row_filter import RowFilter
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SCORE, Past, SnapshotReader
from models.store_row import read_alerts
from models.store_table import ACCOUNT_SCORE, OUTCOME
from serving.rendering import share_text
from serving.shelf import Memory

MOST_MOMENTS = 60  # snapshots of a history: a year and more of weekly ones
# Ends of the bands within which chances are alike: narrow where most accounts are.
BANDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
LEAST_LIKE = 30  # accounts; of fewer a share would be told with an interval as wide as the page
WILSON_Z = 1.96
_PAST = ("basis", "loss_probability", "loss_probability_low", "loss_probability_high", "state",
         "risk_tier", "health_score")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The account in one snapshot; fields as in `AccountScore` and `SnapshotHeader`."""

    header: SnapshotHeader
    basis: Basis | None
    loss_probability: float | None
    loss_probability_low: float | None
    loss_probability_high: float | None
    state: State
    risk_tier: Tier | None
    health_score: float | None
    alerts: tuple[Alert, ...]

    @property
    def day(self) -> date:
        """Its as-of date, or the day of its publish where the table has no dates."""
        return self.header.as_of or self.header.created_at.date()


class Like(NamedTuple):
    """What became of accounts that earlier snapshots gave such a chance.

    Parameters
    ----------
    low, high : float
        Ends of the band, shares 0-1.
    scores, accounts : int
        Chances whose outcome is known, and the accounts that they were of.
    lost : float
        Share 0-1 of the chances that came true.
    interval : (float, float)
        Of that share, 95 %, as if each account had been asked once.
    """

    low: float
    high: float
    scores: int
    accounts: int
    lost: float
    interval: tuple[float, float]


class AccountLedger:
    """Reads of one account over the snapshots.

    Parameters
    ----------
    reader : SnapshotReader
    """

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._pages = PageReader(reader)
        self._like: Memory[tuple[Like | None]] = Memory()

    def score(self, snapshot_id: str, account_id: str) -> AccountScore | None:
        """The whole account in a snapshot; None where it is not in it."""
        query = select(ACCOUNT_SCORE).where(
            SCORE.snapshot_id == snapshot_id, SCORE.account_id == account_id
        )
        return next(iter(self._reader.selected(query)), None)

    def history(self, company: str, account_id: str) -> list[Moment]:
        """The account in the company's newest snapshots that hold it, the oldest first."""
        headers = {
            one.snapshot_id: one for one in self._reader.headers(company, limit=MOST_MOMENTS)
        }
        query = (
            select(SCORE.snapshot_id, SCORE.alerts, *(SCORE[name] for name in _PAST))
            .where(SCORE.snapshot_id.in_(headers), SCORE.account_id == account_id)
            .order_by(SCORE.snapshot_id)
        )
        return [
            Moment(
                header=headers[row["snapshot_id"]],
                alerts=read_alerts(row["alerts"]),
                **{name: share_text(row[name]) for name in _PAST},
            )
            for row in self._reader.stream(query)
        ]

    def past(self, snapshot_id: str, account_id: str) -> Past | None:
        """What an earlier snapshot said of the account, with its contributions."""
        found = self._reader.past(snapshot_id, SCORE.account_id == account_id)
        return found.get(account_id)

    def before(self, header: SnapshotHeader) -> SnapshotHeader | None:
        """The snapshot before."""
        return self._reader.before(header)

    def health(self, snapshot_id: str, account_id: str) -> Health | None:
        """The account's health in a snapshot."""
        return self._pages.health(snapshot_id, account_id)

    def board(self, snapshot_id: str, account_id: str) -> Any:  # Any: JSON
        """What stands beside the score; None when it was not published."""
        return self._pages.board(snapshot_id, account_id)

    def last_known(self, company: str, account_id: str) -> AccountScore | None:
        """The account as the newest snapshot that holds it tells it."""
        return self._reader.last_known(company, [account_id], is_external=False)

    def like(self, header: SnapshotHeader, score: AccountScore, allowed: RowFilter) -> Like | None:
        """What became of accounts that were scored like this one; None where they are too few.

        Parameters
        ----------
        header : SnapshotHeader
            The snapshot that is served.
        score : AccountScore
        allowed : RowFilter
            Counted are accounts that the reader may see.
        """
        basis, chance = score.basis, score.loss_probability
        if basis is None or chance is None:
            return None
        band = min(bisect_right(BANDS, chance), len(BANDS) - 1) - 1
        key = (header.snapshot_id, basis, band, allowed.fingerprint)
        found = self._like.get(key, lambda: (self._count(header.company, basis, band, allowed),))
        return found[0]

    def _count(self, company: str, basis: Basis, band: int, allowed: RowFilter) -> Like | None:
        low, high = BANDS[band], BANDS[band + 1]
        kept = [one.snapshot_id for one in self._reader.headers(company, limit=None)]
        query = (
            select(OUTCOME.c.account_id, OUTCOME.c.lost)
            .join(
                ACCOUNT_SCORE,
                (SCORE.snapshot_id == OUTCOME.c.snapshot_id)
                & (SCORE.account_id == OUTCOME.c.account_id),
            )
            .where(
                OUTCOME.c.snapshot_id.in_(kept),
                SCORE.basis == basis,
                SCORE.loss_probability >= low,
                SCORE.loss_probability <= high if high == 1.0 else SCORE.loss_probability < high,
                allowed.clause(ACCOUNT_SCORE),
            )
        )
        rows = [(str(row["account_id"]), bool(row["lost"])) for row in self._reader.stream(query)]
        accounts = len({name for name, _ in rows})
        if accounts < LEAST_LIKE:
            return None
        lost = sum(one for _, one in rows) / len(rows)
        return Like(low, high, len(rows), accounts, lost, wilson(lost, accounts))


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share that was seen in so many independent cases.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    """
    square = WILSON_Z**2 / count
    middle = (share + square / 2) / (1 + square)
    reach = WILSON_Z / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - reach), min(1.0, middle + reach)
