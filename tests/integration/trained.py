"""A small trained model, fitted once per process."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

from models.bundle import Provenance
from models.recipe import train_model
from models.trained import Trained
from tests.model_rows import QUICK, make_table, shuffle_labels

PROVENANCE = Provenance(
    company="acme",
    label="lost within 90 days",
    config_text="company: acme\n",
    data_hash="d" * 64,
    git_commit="c" * 40,
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
)


@cache
def trained_model() -> Trained:
    """A model that is promoted."""
    found = train_model(make_table(), QUICK)
    assert isinstance(found, Trained)
    return found


@cache
def null_model() -> Trained:
    """A model of shuffled labels, which is not promoted."""
    found = train_model(shuffle_labels(make_table()), QUICK)
    assert isinstance(found, Trained)
    return found
