"""Directions of the catalogue, held by the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.encoding import Encoding
from models.monotone import constrain
from models.refit import fit_refits
from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable, Trait
from models.trained import recipe_of
from models.training import fit_model
from tests.model_rows import make_table

SETTINGS = TrainingSettings(max_trees=60, replicates=100, folds=4)
TRAITS = {
    "usage": Trait("activity", "lowers"),
    "noise": Trait("activity", "raises"),
    "segment": Trait("fit", "raises"),
}


def mature_table(**traits: Trait) -> ModelTable:
    """Rows with signal, of features that point as given."""
    table = make_table()
    return replace(table.part(table.mature), traits=traits)


def test_every_directed_number_is_constrained_and_nothing_else_is() -> None:
    encoding = Encoding(("free", "usage", "segment", "noise"), {"segment": ("a", "b")})
    found = constrain({"num_leaves": 4}, encoding, TRAITS)
    assert found["monotone_constraints"] == "0,-1,0,1"
    assert found["num_leaves"] == 4


def test_constraints_of_other_columns_are_replaced() -> None:
    first = constrain({}, Encoding(("usage", "noise"), {}), TRAITS)
    assert constrain(first, Encoding(("noise",), {}), TRAITS)["monotone_constraints"] == "1"
    assert constrain(first, Encoding(("free",), {}), TRAITS) == {}


@pytest.mark.parametrize(("direction", "sign"), [("raises", 1), ("lowers", -1)])
def test_a_higher_value_never_moves_a_probability_against_its_direction(
    direction: str, sign: int
) -> None:
    # The data say "lowers" of usage; declared the other way it may say nothing.
    trait = Trait("activity", "raises" if direction == "raises" else "lowers")
    table = mature_table(usage=trait, noise=trait)
    fitted = fit_model(table, settings=SETTINGS)
    features = table.features.head(300)
    for name in ("usage", "noise"):
        at = [
            fitted.predictor.probability(features.assign(**{name: value}))
            for value in np.linspace(-3, 3, 13)
        ]
        assert (sign * np.diff(at, axis=0) >= -1e-12).all()


def test_without_directions_nothing_is_constrained() -> None:
    assert "monotone_constraints" not in fit_model(mature_table(), settings=SETTINGS).params


def test_refits_hold_the_directions_too() -> None:
    table = mature_table(**TRAITS)
    refits = fit_refits(table, fit_model(table, settings=SETTINGS), settings=SETTINGS)
    assert refits is not None
    features = table.features.head(100)
    for one in refits.predictors:
        low, high = (
            one.raw(refits.encoding.encode(features.assign(usage=v))[list(one.encoding.columns)])
            for v in (-2.0, 2.0)
        )
        assert (low >= high - 1e-12).all()


def test_another_direction_is_another_recipe() -> None:
    settings = ModelSettings(training=SETTINGS)
    free, directed = mature_table(), mature_table(**TRAITS)
    assert recipe_of(free, settings) != recipe_of(directed, settings)
