"""Accounts of which a model is less sure, since it is weak in a slice that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from models.account_score import Basis
from models.weak_slice import Weakness, find_weak_slices
from serving.model_view import TOLD


class Sliced(Protocol):
    """An account, by what tells its slices; as in `AccountScore`."""

    @property
    def basis(self) -> Basis | None: ...  # noqa: D102
    @property
    def segment(self) -> str | None: ...  # noqa: D102
    @property
    def account_tier(self) -> str | None: ...  # noqa: D102
    @property
    def region(self) -> str | None: ...  # noqa: D102


class WeakPlaces:
    """Weak slices of all models.

    Parameters
    ----------
    found : mapping of (str, str, str) to str
        What is weak, by model, column and value; only of columns that a snapshot holds.
    """

    def __init__(self, found: Mapping[tuple[str, str, str], Weakness]) -> None:
        self._found = found

    def of(self, account: Sliced) -> list[tuple[str, str, Weakness]]:
        """Slices of an account in which the model that speaks of it is weak."""
        own = [(column, getattr(account, column)) for column in TOLD]
        return [
            (column, value, self._found[account.basis, column, value])
            for column, value in own
            if account.basis is not None and (account.basis, column, value) in self._found
        ]


def find_weak_places(metrics: Mapping[str, Mapping[str, Any]]) -> WeakPlaces:  # Any: JSON
    """The weak slices that accounts of a snapshot can be told by.

    Of several weaknesses of a slice the first counts, in the order ranking, chances, money.

    Parameters
    ----------
    metrics : mapping of str to mapping
        Of each model, as its card holds them.
    """
    found: dict[tuple[str, str, str], Weakness] = {}
    for model, figures in metrics.items():
        for weak in find_weak_slices(figures).found:
            if weak.column in TOLD:
                key = (model, weak.column, weak.value)
                order: list[Weakness] = ["ranking", "chances", "money_low", "money_high"]
                held = found.get(key, weak.kind)
                found[key] = min(held, weak.kind, key=order.index)
    return WeakPlaces(found)
