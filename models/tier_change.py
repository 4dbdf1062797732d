"""Accounts whose risk tier a publish changed: the outbox from which webhooks are sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Column, Table, Text

from models.account_score import Tier
from models.snapshot_diff import Trace
from models.store_table import METADATA

KEEP_DAYS = 30  # how long what was not sent yet outlives its snapshot

# No foreign key: what is still to be sent may outlive the snapshot that it came with.
TIER_CHANGE = Table(
    "tier_change",
    METADATA,
    Column("snapshot_id", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("company", Text),
    Column("external_id", Text),
    Column("parent_id", Text),
    Column("segment", Text),
    Column("account_tier", Text),
    Column("region", Text),
    Column("owner", Text),
    Column("before", Text),
    Column("after", Text),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierChange:
    """One account whose tier is another one than in the snapshot before.

    Parameters
    ----------
    snapshot_id : str
        The snapshot whose publish changed it; with `account_id` it names the change for good.
    account_id : str
    company : str or None
        Whose account it is; None where an earlier Keepwell wrote it down.
    external_id, parent_id, segment, account_tier, region, owner : str or None
        As that snapshot has them; of an account that it no longer has, as the one before had them.
    before, after : str or None
        One of `TIERS`; None where the account had no tier, or was not in that snapshot.
    """

    snapshot_id: str
    account_id: str
    company: str | None
    external_id: str | None
    parent_id: str | None
    segment: str | None
    account_tier: str | None
    region: str | None
    owner: str | None
    before: Tier | None
    after: Tier | None

    def to_row(self) -> dict[str, Any]:
        """The row of the table `TIER_CHANGE`."""
        return asdict(self)


def find_tier_changes(
    snapshot_id: str, company: str, before: Sequence[Trace], after: Sequence[Trace]
) -> list[TierChange]:
    """Every account whose tier changed, appeared or went, by account id.

    Parameters
    ----------
    snapshot_id : str
        Of the later snapshot.
    company : str
        Of both.
    before, after : sequence of Trace
        All accounts of each.
    """
    old = {trace.account_id: trace for trace in before}
    new = {trace.account_id: trace for trace in after}
    found = []
    for name in sorted(old.keys() | new.keys()):
        earlier, later = old.get(name), new.get(name)
        tiers = (earlier and earlier.risk_tier, later and later.risk_tier)
        seen = later or earlier
        if seen is None or tiers[0] == tiers[1]:
            continue
        found.append(
            TierChange(
                snapshot_id=snapshot_id,
                account_id=name,
                company=company,
                external_id=seen.external_id,
                parent_id=seen.parent_id,
                segment=seen.segment,
                account_tier=seen.account_tier,
                region=seen.region,
                owner=seen.owner,
                before=tiers[0],
                after=tiers[1],
            )
        )
    return found
