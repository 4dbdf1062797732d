"""What a configuration says of health is held against the catalogue before any work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.settings import CompanySettings
from models.health_settings import HealthSettings
from pipelines.health_check import health_faults

PAGE = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
COMPANY = {
    "tables": {},
    "measures": {"orders": {"kind": "flow"}, "storage": {"kind": "level"}},
    "catalogue": {"open": {"module": "crm"}},
    "attributes": {"sites": {"kind": "number"}, "channel": {"kind": "category"}},
}
OWN = {
    "name": "reports_{w}d",
    "unit": "reports",
    "meaning": "Reports.",
    "missing": "never",
    "sql": "value_actions({w})",
    "text": "{value}",
    "playbook": "review",
    "practice": "Reports.",
}


def faults(
    health: dict[str, Any],
    **company: Any,  # Any: sections of a configuration
) -> list[tuple[str, str, str]]:
    settings = CompanySettings.model_validate({**COMPANY, **company})
    return list(health_faults(settings, HealthSettings.model_validate(health)))


def factor(feature: str) -> dict[str, Any]:  # Any: as above
    found = {"feature": feature, "side": "outcome", "percentile": "high"}
    return {"profiles": [{"name": "mine", "factors": [found]}]}


@pytest.mark.parametrize(
    "feature", ["nps_latest", "active_users_7d", "orders_28d", "crm_events_28d", "sites"]
)
def test_any_number_of_the_catalogue_can_be_a_factor(feature: str) -> None:
    assert faults(factor(feature)) == []


def test_the_documented_profiles_and_the_documented_fault_are_true() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    health = yaml.safe_load(example)["health"]
    assert faults(health) == []
    health["profiles"][0]["factors"][1]["feature"] = "activation_rate"
    ((key, rule, remedy),) = faults(health)
    assert f"error: config.{key}: {rule}; {remedy}\n" in PAGE


def test_an_unknown_feature_is_refused_with_those_that_are_like_it() -> None:
    ((key, rule, remedy),) = faults(factor("activation_rate"))
    assert key == "health.profiles.0.factors.0.feature"
    assert rule == "activation_rate is no number of the feature catalogue"
    assert remedy.startswith("did you mean activation_ratio")


@pytest.mark.parametrize("feature", ["segment", "channel", "active_users_30d", "x"])
def test_a_category_and_what_no_window_gives_are_refused(feature: str) -> None:
    ((_, rule, _),) = faults(factor(feature))
    assert rule == f"{feature} is no number of the feature catalogue"


@pytest.mark.parametrize(
    "name",
    [
        "events_7d",
        "active_users_28d",
        "hours_online_28d",
        "orders_28d",
        "storage_level",
        "crm_events_28d",
        "value_actions_7d",
    ],
)
def test_a_north_star_is_a_feature_with_a_change_to_the_span_before(name: str) -> None:
    assert faults({"north_star": name}) == []


@pytest.mark.parametrize("name", ["active_days_28d", "nps_latest", "value_per_user_28d"])
def test_a_north_star_without_a_change_is_refused_with_those_that_have_one(name: str) -> None:
    ((key, rule, remedy),) = faults({"north_star": name})
    assert key == "health.north_star"
    assert rule == f"{name} has no change to the span before"
    assert "value_actions_28d" in remedy
    assert name not in remedy


def test_an_own_feature_with_a_change_of_its_own_can_be_the_north_star() -> None:
    change = {**OWN, "name": "reports_change_{w}d", "unit": "change"}
    assert faults({"north_star": "reports_28d"}, features=[OWN, change]) == []
    assert len(faults({"north_star": "reports_28d"}, features=[OWN])) == 1


def test_the_default_is_no_fault_where_no_window_gives_it() -> None:
    assert faults({}, time={"windows_days": [30]}) == []
