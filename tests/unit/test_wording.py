"""A feature's value in the words of a driver."""

from __future__ import annotations

from functools import cache

import pytest

from features.catalogue import Feature, build_catalogue, read_templates
from features.schema import TABLES
from features.settings import CompanySettings
from features.wording import describe
from pipelines.config import read_config
from pipelines.demonstration import CONFIG


@cache
def demo_features() -> dict[str, Feature]:
    """The features of the demo company, by name."""
    settings: CompanySettings = read_config(CONFIG)
    columns = {name: frozenset(c.name for c in table.columns) for name, table in TABLES.items()}
    return {feature.name: feature for feature in build_catalogue(settings, columns).features}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("plan_changes", 0.0, "no change of plan"),
        ("plan_changes", 1.0, "1 change of plan"),
        ("plan_changes", 2.0, "2 changes of plan"),
        ("plan_changes", None, "earlier plans unknown"),
        ("tickets_open", 0.0, "no open ticket"),
        ("tickets_open", None, "unknown open tickets"),
        ("events_28d", 0.0, "no usage event in 28 days"),
        ("events_28d", 1234.0, "1,234 usage events in 28 days"),
        ("events_per_user_28d", 0.4, "0.4 events per user in 28 days"),
        ("storage_gb_age_days", 18.0, "latest figure of storage_gb 18 days old"),
        ("storage_gb_age_days", 1.0, "latest figure of storage_gb 1 day old"),
        ("days_to_renewal", 0.0, "renewal in 0 days"),
        ("days_to_renewal", -1.0, "ended 1 day ago, nothing signed since"),
        ("days_to_renewal", -20.0, "ended 20 days ago, nothing signed since"),
        ("users_net_91d", -3.0, "users down by 3 in 91 days"),
        ("login_ratio_28d", 0.0, "0 % of the seats used in 28 days"),
    ],
)
def test_a_count_is_told_as_people_say_it(name: str, value: float | None, text: str) -> None:
    assert describe(demo_features()[name], value, currency="USD") == text


def test_whatever_is_counted_has_a_singular() -> None:
    for template in read_templates():
        for text in (template.text, template.text_below_zero):
            for noun in ("days", "weeks", "months", template.unit.split(" per ")[0]):
                assert not noun.endswith("s") or f"{{value}} {noun}" not in text, template.name
