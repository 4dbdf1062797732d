"""Which copy of a model may speak of a past date: the one in use, or the one that was judged.

A row is never explained by a model that learnt from it or from later ones. The model in use knows
all that was known by its data end; the copy that was judged learnt only from labels that were known
by the first date it was tested on (`models.split.split_rows`), so it may speak from that date on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, cast

from models.bundle import JUDGED_FILE, Bundle, feature_columns, read_judged
from models.card import CardCalibration


def copy_for(bundle: Bundle, as_of: date) -> Bundle | None:
    """The copy that learnt nothing from the as-of date or later; None where both did.

    Parameters
    ----------
    bundle : Bundle
        Of the model in use.
    as_of : date
        Of the rows to speak of.

    Raises
    ------
    InputError
        When the file of the judged copy is missing or was changed.
    """
    if bundle.card.data_end is None or bundle.card.data_end <= as_of:
        return bundle
    known_by = _judged_known_by(bundle)
    return _judged_copy(bundle, known_by) if known_by is not None and known_by <= as_of else None


def earliest_date(bundle: Bundle) -> date | None:
    """The earliest as-of date that a copy may speak of; None: the rows bear no dates, any may be.

    Parameters
    ----------
    bundle : Bundle
        Of the model in use.
    """
    return _judged_known_by(bundle) or bundle.card.data_end


def _judged_known_by(bundle: Bundle) -> date | None:
    """The judged copy knew nothing that became known after this day; None without such a copy."""
    return bundle.card.judged_from if JUDGED_FILE in bundle.card.files else None


def _judged_copy(bundle: Bundle, known_by: date) -> Bundle:
    """The bundle with the judged copy in place of the model in use, and a card that fits it.

    The card names no file of refits: those learnt from what the model in use knows.
    """
    predictor = read_judged(bundle.folder, threads=bundle.predictor.threads)
    assert predictor is not None  # its file is in the card
    card, calibration = bundle.card, predictor.calibration
    groups = {column.name: column.group for column in card.features}
    learnt = cast("dict[str, Any]", card.metrics["train"])  # Any: a window of the report, as JSON
    fitting = {
        "features": feature_columns(predictor.encoding, groups),
        "calibration": CardCalibration(slope=calibration.slope, intercept=calibration.intercept),
        "first_as_of": date.fromisoformat(learnt["first_as_of"]),
        "last_as_of": date.fromisoformat(learnt["last_as_of"]),
        "data_end": known_by,
        "rows": learnt["rows"],
        "positives": learnt["positives"],
        "files": {JUDGED_FILE: card.files[JUDGED_FILE]},
    }
    return replace(bundle, card=card.model_copy(update=fitting), predictor=predictor, copy="judged")
