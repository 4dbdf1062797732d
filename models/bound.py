"""Conditions on figures of the feature catalogue, as rules and playbooks are written with them."""

from __future__ import annotations

import math
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Bound(BaseModel):
    """Where a figure has to lie; everything that is given must hold.

    Of a figure that is not known nothing holds but `missing`.

    Parameters
    ----------
    at_least, above, at_most, below : float or None
        In the unit of the feature.
    among : tuple of str
        For categories: any of these.
    missing : bool
        The figure must not be known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    among: tuple[str, ...] = ()
    missing: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        numbers = (self.at_least, self.above, self.at_most, self.below)
        given = [number for number in numbers if number is not None]
        if not all(map(math.isfinite, given)):
            raise ValueError("must be finite numbers")
        kinds = sum((bool(given), bool(self.among), self.missing))
        if kinds != 1:
            raise ValueError(
                "give one kind of bound: numbers (at_least, above, at_most, below), among, or "
                "missing: true"
            )
        return self

    def __str__(self) -> str:
        signs = {"at_least": "≥", "above": ">", "at_most": "≤", "below": "<"}
        parts = [
            f"{sign} {getattr(self, name):g}"
            for name, sign in signs.items()
            if getattr(self, name) is not None
        ]
        if self.missing:
            return "is not known"
        return " and ".join(parts) if parts else f"is {' or '.join(self.among)}"
