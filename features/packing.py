"""Sums that share numbers, so that fewer of them are added up while rows are grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_WHOLE_BITS = 53  # of a double that are exact


@dataclass(frozen=True)
class Packing:
    """Sums of whole numbers, as many to a double as are exact in it.

    Parameters
    ----------
    prefix : str
        Of the columns of the packs.
    sums : tuple of str
        The columns of the sums.
    bits : int
        What each may take; a greater one would spoil its neighbours.
    """

    prefix: str
    sums: tuple[str, ...]
    bits: int

    @property
    def most(self) -> int:
        """The greatest sum that does not spoil another."""
        return (1 << self.bits) - 1

    @property
    def packs(self) -> dict[str, tuple[str, ...]]:
        """The packs, and the sums in each."""
        size = _WHOLE_BITS // self.bits
        return {
            f"{self.prefix}_{at // size}": self.sums[at : at + size]
            for at in range(0, len(self.sums), size)
        }

    @property
    def columns(self) -> list[str]:
        """The packs, then the sums."""
        return [*self.packs, *self.sums]

    def weights(self, counted: Sequence[bool]) -> list[float]:
        """What a row's number is multiplied by in each of ``columns``.

        Parameters
        ----------
        counted : sequence of bool
            Whether the row counts for each of the sums.
        """
        own = dict(zip(self.sums, map(float, counted), strict=True))
        packed = [
            sum(own[name] * (1 << self.bits * place) for place, name in enumerate(members))
            for members in self.packs.values()
        ]
        return [*packed, *own.values()]

    @property
    def unpacked(self) -> dict[str, str]:
        """The SQL of each sum over its pack; null where that is no number, or far too great."""
        return {
            name: f"CAST((TRY_CAST({pack} AS BIGINT) >> {self.bits * place}) & {self.most} "
            "AS INTEGER)"
            for pack, members in self.packs.items()
            for place, name in enumerate(members)
        }
