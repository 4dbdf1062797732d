"""Today's customers get a health score in words, whichever row tells of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue, build_catalogue
from features.dataset import Dataset, ModelName
from features.errors import InputError
from features.phrase import AS_GIVEN
from features.schema import TABLES
from models.health_settings import FactorSettings, HealthSettings, ProfileSettings
from pipelines.config import read_config
from pipelines.health import describe_health, find_vitals, health_of_rows
from pipelines.population import Population

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"
TODAY = date(2026, 11, 1)
COLUMNS = {
    name: frozenset(column.name for column in table.columns) for name, table in TABLES.items()
}
CATALOGUE = build_catalogue(read_config(DEMO), COLUMNS)
NPS = FactorSettings(feature="nps_latest", side="outcome", bad=0, good=10)
LATE = FactorSettings(feature="milestones_late", side="outcome", bad=2, good=0)
ONLY = HealthSettings(profiles=(ProfileSettings(name="mine", factors=(NPS, LATE)),))
NAN = float("nan")


def dataset(model: ModelName, rows: list[tuple[str, str | None]], **known: list[float]) -> Dataset:
    """A dataset of accounts and contracts of which only some features are known."""
    frame = pd.DataFrame(
        {
            one.name: known.get(one.name, [NAN if one.kind == "number" else None] * len(rows))
            for one in CATALOGUE.features
        }
    )
    keys = pd.DataFrame(rows, columns=["account_id", "contract_id"], dtype=object)
    return Dataset(model, keys.assign(as_of=pd.Timestamp(TODAY)), frame, CATALOGUE, TODAY)


def population(churn: Dataset, renewal: Dataset, **states: list[str | None]) -> Population:
    return Population(TODAY, pd.DataFrame(states), {"churn": churn, "renewal": renewal})


def test_an_account_is_told_by_its_churn_row_else_by_that_of_its_next_contract() -> None:
    found = find_vitals(
        population(
            dataset("churn", [("A", None)], nps_latest=[8.0]),
            dataset(
                "renewal",
                [("A", "a1"), ("B", "b1"), ("B", "b2"), ("C", "c1")],
                nps_latest=[1.0, 2.0, 3.0, NAN],
            ),
            account_id=["A", "B", "C"],
            contract_id=["a1", "b2", "c1"],
        ),
        ONLY,
        currency="USD",
    )
    scores = {name: one.health and one.health.score for name, one in found.items()}
    assert scores == {"A": pytest.approx(80), "B": pytest.approx(30), "C": None}


def test_factors_are_told_in_words_the_heaviest_first() -> None:
    rows = dataset("churn", [("A", None)], nps_latest=[8.0], milestones_late=[1.0])
    heavier = LATE.model_copy(update={"weight": 3.0})
    chosen = HealthSettings(profiles=(ProfileSettings(name="mine", factors=(NPS, heavier)),))
    customers = population(rows, dataset("renewal", []), account_id=["A"], contract_id=[None])
    health = find_vitals(customers, chosen, currency="USD")["A"].health
    assert health is not None
    assert health.profile == "mine"
    assert [one.text for one in health.factors] == ["1 milestone late", "latest NPS 8"]
    assert [one.weight for one in health.factors] == [0.75, 0.25]
    assert health.factors[0].unit == "milestones"


def test_the_north_star_comes_with_its_change() -> None:
    rows = dataset(
        "churn", [("A", None), ("B", None)], events_7d=[9.0, 4.0], events_change_7d=[-0.25, NAN]
    )
    customers = population(
        rows, dataset("renewal", []), account_id=["A", "B"], contract_id=[None, None]
    )
    settings = HealthSettings(north_star="events_7d")
    found = find_vitals(customers, settings, currency="USD")
    assert [found[name][1:] for name in "AB"] == [(9.0, -0.25), (4.0, None)]
    told = describe_health(customers, settings)["north_star"]
    assert isinstance(told, dict)
    assert (told["feature"], told["change"]) == ("events_7d", "events_change_7d")
    nowhere = HealthSettings(north_star="events_30d")
    assert describe_health(customers, nowhere) == {"north_star": None}
    assert find_vitals(customers, nowhere, currency="USD")["A"].north_star is None


def test_the_segment_of_today_chooses_a_profile_for_today_and_none_for_a_past_row() -> None:
    rows = dataset("churn", [("A", None)], nps_latest=[8.0])
    features = rows.features.drop(columns="segment")  # only today's value is known
    rows = Dataset("churn", rows.rows, features, _without("segment"), TODAY)
    other = FactorSettings(feature="nps_latest", side="outcome", bad=10, good=0)
    chosen = HealthSettings(
        profiles=(
            ProfileSettings(name="small", segment=("smb",), factors=(other,)),
            ProfileSettings(name="mine", factors=(NPS,)),
        )
    )
    customers = Population(
        TODAY,
        pd.DataFrame({"account_id": ["A"], "contract_id": [None], "segment": ["smb"]}),
        {"churn": rows},
    )
    health = find_vitals(customers, chosen, currency="USD")["A"].health
    assert health is not None
    assert health.profile == "small"
    assert health.score == pytest.approx(20)
    np.testing.assert_allclose(health_of_rows(rows, chosen), [80])


def _without(name: str) -> Catalogue:
    return Catalogue(tuple(one for one in CATALOGUE.features if one.name != name), {})


def test_a_flat_table_has_no_health_even_where_a_column_bears_a_name_of_the_catalogue() -> None:
    rows = dataset("churn", [("A", None)], nps_latest=[8.0])
    feature = next(one for one in CATALOGUE.features if one.name == "nps_latest")
    plain = Catalogue((type(feature)(**{**vars(feature), "unit": AS_GIVEN}),), {})
    flat = Dataset("churn", rows.rows, rows.features[["nps_latest"]], plain, TODAY)
    states = pd.DataFrame({"account_id": ["A"], "contract_id": [None]})
    assert find_vitals(Population(TODAY, states, {"churn": flat}), ONLY, currency="USD") == {}


def test_a_wrong_factor_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    profile = "{name: mine, factors: [{feature: nps, side: experience, bad: 3, good: 9}]}"
    path.write_text(f"{DEMO.read_text(encoding='utf-8')}\nhealth: {{profiles: [{profile}]}}\n")
    with pytest.raises(InputError, match=r"health\.profiles\.0\.factors\.0\.feature"):
        read_config(path)
