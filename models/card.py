"""The card of a bundle: everything that readers need to know about a model, without loading it."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from features.errors import InputError, Problem

CARD_FILE = "card.json"


class _Part(BaseModel):
    """A frozen part of the card in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureColumn(_Part):
    """One feature: its name, whether its values are numbers or categories, and its group.

    The group is that of the catalogue; empty in bundles written before it was kept.
    """

    name: str
    kind: Literal["number", "category"]
    categories: tuple[str, ...] = ()
    group: str = ""


class CardCalibration(_Part):
    """``logit(probability) = slope * raw + intercept``."""

    slope: float
    intercept: float


class CardThresholds(_Part):
    """Loss probabilities from which an account is in a tier."""

    high: float
    medium: float


class Card(_Part):
    """What a bundle's ``card.json`` holds.

    Parameters
    ----------
    features : tuple of FeatureColumn
        In the order of the booster's matrix; a category's code is its place.
    thresholds : CardThresholds
        Of the risk tiers.
    first_as_of, last_as_of : date or None
        As-of dates that the shipped model learnt from, both inclusive; None where the rows bear
        none and nobody said of which day they are.
    data_end : date or None
        Exclusive end of what was known; None likewise.
    horizon_days, lead_days : int or None
        Of the label; None where they were not stated.
    label : str
        Definition of the label, as a sentence.
    metrics : dict
        The report of the same recipe on later rows, with intervals.
    versions : dict of str to str
        Of the libraries that made the bundle.
    recipe : str
        sha256 of the recipe; empty in bundles written before it was kept.
    judged_from : date or None
        First as-of date on which the copy in ``judged.json`` was tested; None where not known.
    files : dict of str to str
        sha256 of every other file of the bundle.
    """

    card_version: Literal[1] = 1
    company: str
    model: str
    version: str
    created_at: datetime
    features: tuple[FeatureColumn, ...]
    calibration: CardCalibration
    thresholds: CardThresholds
    first_as_of: date | None
    last_as_of: date | None
    data_end: date | None
    rows: int
    positives: int
    horizon_days: int | None
    lead_days: int | None
    label: str
    metrics: dict[str, object]
    params: dict[str, str | int | float | bool]
    versions: dict[str, str]
    git_commit: str | None
    data_hash: str
    config_hash: str
    recipe: str = ""
    judged_from: date | None = None
    files: dict[str, str] = {}

    def to_text(self) -> str:
        """The card as the file holds it."""
        return json.dumps(self.model_dump(mode="json"), indent=2, allow_nan=False) + "\n"


def read_card(folder: Path) -> Card:
    """The card of the bundle in a folder.

    Parameters
    ----------
    folder : Path
        Of one bundle.

    Raises
    ------
    InputError
        When there is no card, or it is not one of this version of Keepwell.
    """
    path = folder / CARD_FILE
    try:
        return Card.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        rule = "there is no card.json, so this is not a bundle"
    except ValidationError as error:
        places = {".".join(map(str, found["loc"])) or "the file" for found in error.errors()}
        rule = f"not a card that this version reads: {', '.join(sorted(places)[:5])}"
    raise bundle_problem(folder, CARD_FILE, rule)


def bundle_problem(folder: Path, file: str, rule: str) -> InputError:
    """An error about one file of a bundle, with what to do about it."""
    return InputError(
        [
            Problem(
                table=f"bundle {folder.parent.name}/{folder.name}",
                column=file,
                rule=rule,
                remedy="restore the bundle from a copy, or train again",
            )
        ]
    )
