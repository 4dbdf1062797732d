"""What moved an account's probability between two snapshots: the customer, or another model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from models.account_score import Basis
from models.snapshot import SnapshotHeader

ChangeKind = Literal[
    "same_model", "rescored", "other_model", "other_basis", "no_probability", "new", "gone"
]
# The same version of a model, another one that was asked about the figures before, or not.
Voice = Literal["same", "asked", "other"]
_SMALL = 1e-8  # log-odds; below it the slope at one end is that of the whole way
_NOTHING = 1e-9  # log-odds that are no change


class Told(Protocol):
    """What a snapshot says of an account; as in `AccountScore`."""

    @property
    def basis(self) -> Basis | None: ...  # noqa: D102
    @property
    def loss_probability(self) -> float | None: ...  # noqa: D102
    @property
    def contributions(self) -> Mapping[str, float]: ...  # noqa: D102


class Rescored(Told, Protocol):
    """The same of the later snapshot, with what its model says of the figures before."""

    @property
    def rescored_probability(self) -> float | None: ...  # noqa: D102
    @property
    def rescored_contributions(self) -> Mapping[str, float]: ...  # noqa: D102


class GroupChange(NamedTuple):
    """What a group of features did to the probability since the snapshot before.

    Parameters
    ----------
    group : str
        In the feature catalogue.
    change : float
        Log-odds; above 0 raised the probability.
    points : float
        Share of probability (0.05: five points of 100).
    """

    group: str
    change: float
    points: float


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """How far a probability of loss moved, and by what.

    Parameters
    ----------
    kind : str
        ``same_model``: one version spoke twice. ``rescored``: another version, which was also asked
        about the figures before. ``other_model``: another one that was not asked. ``other_basis``:
        the renewal model spoke once, the churn model once. ``no_probability``: one of the two
        snapshots, or both, gave none. ``new``, ``gone``: one of them lacks the account.
    total : float or None
        Later less earlier probability, in share 0-1; None where one is missing. Across bases the
        two speak of different times.
    model_change : float or None
        The part that another model made; None where the parts cannot be told.
    by_group : tuple of GroupChange, or None
        The customer's part, the largest first; with `model_change` the points add up to `total`.
        None where the parts cannot be told.
    """

    kind: ChangeKind
    total: float | None = None
    model_change: float | None = None
    by_group: tuple[GroupChange, ...] | None = None

    @property
    def customer_change(self) -> float | None:
        """The part that the customer made; None where the parts cannot be told."""
        if self.by_group is None:
            return None
        return math.fsum(change.points for change in self.by_group)


Uses = Mapping[str, Mapping[str, object] | None]  # as in `Snapshot.models`


def same_version(basis: Basis, before: Uses, now: Uses) -> bool:
    """Whether the same version of a model speaks in two snapshots."""
    one, other = before.get(basis), now.get(basis)
    return bool(one and other and one.get("version") == other.get("version"))


def tell_voice(basis: Basis, before: SnapshotHeader, now: SnapshotHeader) -> Voice:
    """How the model of a basis compares between two snapshots."""
    if same_version(basis, before.models, now.models):
        return "same"
    # Another snapshot may stand in between now, or the one that was asked about is gone.
    return "asked" if now.rescored_id == before.snapshot_id else "other"


def explain_change(before: Told | None, now: Rescored | None, *, voice: Voice) -> ScoreChange:
    """What moved an account's probability from one snapshot to a later one.

    The model's part is what it says of the figures before, less what was published of them. From
    there to the later probability goes the customer's part: each group's change in log-odds times
    the mean slope of the logistic curve on the way, one rate for all of them, so that they keep
    sign and order and add up exactly (see `AccountScore.groups`).

    Parameters
    ----------
    before, now : Told, Rescored or None
        The account in both snapshots; None where one lacks it.
    voice : str
        Of the later one's basis, as `tell_voice` says.
    """
    if before is None or now is None:
        return ScoreChange("gone" if now is None else "new")
    if before.loss_probability is None or now.loss_probability is None:
        return ScoreChange("no_probability")
    total = now.loss_probability - before.loss_probability
    if before.basis != now.basis:
        return ScoreChange("other_basis", total)
    if voice == "same":
        moved = _move(before.loss_probability, before.contributions, now)
        return ScoreChange("same_model", total, 0.0, moved)
    asked = now.rescored_probability if voice == "asked" else None
    if asked is None:
        return ScoreChange("other_model", total)
    moved = _move(asked, now.rescored_contributions, now)
    return ScoreChange("rescored", total, asked - before.loss_probability, moved)


def _move(
    start: float, contributions: Mapping[str, float], now: Rescored
) -> tuple[GroupChange, ...]:
    """The groups that moved one model's probability of an account from ``start``."""
    assert now.loss_probability is not None  # asked by the caller
    names = sorted(contributions.keys() | now.contributions.keys())
    changes = {
        name: now.contributions.get(name, 0.0) - contributions.get(name, 0.0) for name in names
    }
    distance = math.fsum(changes.values())
    way = now.loss_probability - start
    rate = way / distance if abs(distance) > _SMALL else start * (1.0 - start)
    moved = [
        GroupChange(name, change, change * rate)
        for name, change in changes.items()
        if abs(change) > _NOTHING
    ]
    return tuple(sorted(moved, key=lambda one: (-abs(one.change), one.group)))
