"""The rules of early warnings: whole, in both languages, and off where a company lacks figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalogue import Catalogue, build_catalogue, read_templates
from features.dataset import Dataset
from features.schema import TABLES
from models.bound import Bound
from models.condition import all_hold
from models.playbook import read_playbooks
from models.settings import WarningSettings
from models.warning import WatchedRows, find_warnings, watched_rows
from models.warning_rule import (
    TURNED_OFF,
    Condition,
    plan_rules,
    read_rules,
    threshold_faults,
)
from pipelines.config import Config

COLUMNS = {name: frozenset(c.name for c in table.columns) for name, table in TABLES.items()}
MODULES = {
    "save": {"module": "reporting", "core": True, "value_action": True},
    "look": {"module": "dash board", "view": True},
}
AS_OF = pd.Timestamp("2026-05-01")
# What the issue of early warnings asks for, by the rules that say it.
WATCHED = {
    "half the usual activity, week on week": "use_halved_in_a_week",
    "half the usual activity of a module, in a week": "module_use_halved_in_a_week",
    "half the usual activity of a module": "module_use_halved",
    "a key user silent": "champion_silent",
    "a key user gone": "key_user_gone",
    "only shallow modules used": "only_shallow_use",
    "a core module never taken up": "core_module_not_taken_up",
    "no value by day 30": "no_value_by_day_30",
    "no value by day 90": "no_value_by_day_90",
    "complaints in the first 30 days": "complaints_in_first_days",
    "milestone late": "milestones_late",
    "silence from the vendor since go-live": "no_contact_since_go_live",
    "silence from the vendor in mid-life": "no_contact_in_mid_term",
    "seats unused": "seats_unused",
    "fit under 30 %": "poor_fit",
    "detractor among key users": "key_user_detractor",
    "escalation open": "escalation_open",
    "overdue invoice": "invoice_overdue",
    "decision in 90 days with falling use": "decision_in_90_days_use_falling",
    "decision in 60 days with falling use": "decision_in_60_days_use_falling",
    "decision in 30 days with falling use": "decision_in_30_days_use_falling",
}


def configure(**keys: object) -> Config:
    """A company with modules."""
    raw: dict[str, Any] = {  # Any: YAML
        "config_version": 1,
        "company": "acme",
        "tables": dict.fromkeys(TABLES, "SELECT 1"),
        "catalogue": MODULES,
        "attributes": {
            name: {"kind": "number", "constant": True} for name in ("product_fit", "planned_fit")
        },
    }
    return Config.model_validate({**raw, **keys})


def catalogue(config: Config, *without: str) -> Catalogue:
    """The features of a company that has all tables but some."""
    present = {name: columns for name, columns in COLUMNS.items() if name not in without}
    return build_catalogue(config, present)


def conditions(*names: str, **keys: object) -> list[Condition]:
    config = configure()
    book = plan_rules(config, catalogue(config), WarningSettings.model_validate(keys))
    return [condition for condition in book.conditions if condition.rule.name in names]


@pytest.mark.parametrize("asked", WATCHED)
def test_everything_that_is_to_be_watched_has_a_rule(asked: str) -> None:
    assert WATCHED[asked] in {rule.name for rule in read_rules()}


@pytest.mark.parametrize("rule", read_rules(), ids=lambda rule: rule.name)
def test_a_rule_is_worded_in_both_languages_and_names_a_playbook_that_exists(rule: Any) -> None:
    assert all(rule.title[language] and rule.text[language] for language in ("en", "zh"))
    assert rule.practice.endswith(".")
    assert rule.playbook in {tag for playbook in read_playbooks() for tag in playbook.tags}
    assert set(rule.gives_way_to) <= {other.name for other in read_rules()}
    if "{subject}" in rule.text["en"]:
        assert rule.per is not None
        assert "{subject}" in rule.text["zh"]


def test_no_two_rules_have_one_name() -> None:
    names = [rule.name for rule in read_rules()]
    assert len(names) == len(set(names))


def test_a_company_with_all_tables_has_every_rule_on() -> None:
    config = configure()
    assert plan_rules(config, catalogue(config), WarningSettings()).off == {}


def test_the_evidence_of_every_rule_is_a_number() -> None:
    config = configure()
    kinds = {feature.name: feature.kind for feature in catalogue(config).features}
    book = plan_rules(config, catalogue(config), WarningSettings())
    assert {kinds[condition.told] for condition in book.conditions} == {"number"}


def test_a_rule_whose_figures_a_company_lacks_is_off_and_says_why() -> None:
    config = configure()
    book = plan_rules(config, catalogue(config, "invoices", "surveys"), WarningSettings())
    assert book.off == {
        "invoice_overdue": "needs invoices_overdue: no table invoices",
        "key_user_detractor": "needs key_user_detractors: no table surveys",
    }
    assert "invoice_overdue" not in {condition.rule.name for condition in book.conditions}


def test_a_rule_whose_figure_would_be_zero_for_everybody_is_off() -> None:
    config = configure(tables={"accounts": "SELECT 1", "contracts": "SELECT 1"})
    book = plan_rules(config, catalogue(config, "tickets", "surveys"), WarningSettings())
    assert book.off["complaints_in_first_days"] == "no table tickets or surveys"
    with_one = configure(tables={"accounts": "SELECT 1", "surveys": "SELECT 1"})
    book = plan_rules(with_one, catalogue(with_one, "tickets"), WarningSettings())
    assert "complaints_in_first_days" not in book.off


def test_a_company_without_modules_has_the_rules_of_modules_off() -> None:
    config = configure(catalogue={"save": {"core": True, "value_action": True}})
    book = plan_rules(config, catalogue(config), WarningSettings())
    assert book.off["module_use_halved"] == "the configuration's catalogue names no module"
    assert book.off["core_module_not_taken_up"].endswith("names no core event with a module")


def test_a_rule_of_modules_speaks_of_each_and_of_core_ones_alone_where_it_says_so() -> None:
    assert [one.subject for one in conditions("module_use_halved")] == ["dash board", "reporting"]
    assert [one.subject for one in conditions("core_module_not_taken_up")] == ["reporting"]
    assert next(iter(conditions("module_use_halved")[0].bounds)) == "dash_board_change_28d"


def test_a_rule_can_be_turned_off_and_its_threshold_changed() -> None:
    chosen = {
        "leave_out": ["poor_fit"],
        "thresholds": {"seats_unused": {"login_ratio_91d": {"below": 0.1}}},
    }
    config = configure(warnings=chosen)
    book = plan_rules(config, catalogue(config), config.warnings)
    assert book.off == {"poor_fit": TURNED_OFF}
    (seats,) = [one for one in book.conditions if one.rule.name == "seats_unused"]
    assert seats.bounds["login_ratio_91d"] == Bound(below=0.1)


def test_an_unknown_rule_or_feature_in_the_configuration_is_named_with_those_that_exist() -> None:
    chosen = WarningSettings.model_validate(
        {
            "leave_out": ["poor_fits"],
            "thresholds": {"seats_unused": {"seats": {"below": 1}}, "late": {"x": {"below": 1}}},
        }
    )
    faults = {key: remedy for key, _, remedy in threshold_faults(chosen)}
    assert set(faults) == {
        "warnings.leave_out.poor_fits",
        "warnings.thresholds.seats_unused.seats",
        "warnings.thresholds.late",
    }
    assert "poor_fit" in faults["warnings.leave_out.poor_fits"]
    assert faults["warnings.thresholds.seats_unused.seats"] == "it looks at login_ratio_91d"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"below": float("nan")}, {"below": 1, "among": ["a"]}, {"missing": True, "above": 0}],
)
def test_a_bound_that_says_nothing_or_two_things_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"give one kind|finite"):
        Bound.model_validate(wrong)


def test_a_bound_holds_at_its_edge_as_it_says_and_never_for_what_is_not_known() -> None:
    column = pd.DataFrame({"x": [0.0, 1.0, 2.0, np.nan]})
    expected = {
        "at_least": [False, True, True, False],
        "above": [False, False, True, False],
        "at_most": [True, True, False, False],
        "below": [True, False, False, False],
    }
    for name, held in expected.items():
        assert all_hold({"x": Bound.model_validate({name: 1})}, column).tolist() == held
    assert all_hold({"x": Bound(missing=True)}, column).tolist() == [False, False, False, True]
    assert all_hold({"y": Bound(above=0)}, column).tolist() == [False] * 4
    words = pd.DataFrame({"x": pd.Series(["renewal", "growth", None, ""], dtype=object)})
    assert all_hold({"x": Bound(among=("renewal",))}, words).tolist() == [True, False, False, False]


def rows(**figures: list[object]) -> WatchedRows:
    """Rows of accounts a, b, ... on one date."""
    features = pd.DataFrame(figures)
    names = [chr(ord("a") + place) for place in range(len(features))]
    return WatchedRows(pd.Series(names), pd.Series([AS_OF] * len(names)), features)


def test_the_evidence_tells_the_figure_in_plain_words() -> None:
    found = find_warnings(
        conditions("use_halved_in_a_week", "module_use_halved", "key_user_gone"),
        rows(
            events_change_7d=[-0.62, -0.62, -0.49],
            events_28d=[100.0, 19.0, 100.0],
            reporting_change_28d=[0.1, -0.5, np.nan],
            reporting_events_28d=[50.0, 10.0, 0.0],
            dash_board_change_28d=[0.1, 0.1, 0.1],
            dash_board_events_28d=[50.0, 10.0, 0.0],
            key_users_gone_91d=[0.0, np.nan, 1.0],
        ),
        currency="EUR",
    )
    said = {account: [one.text for one in warnings] for account, warnings in found.items()}
    minus = "\N{MINUS SIGN}"
    assert said == {
        "a": [f"use {minus}62 % week on week"],
        "b": [f"use of reporting {minus}50 % against the 28 days before"],
        "c": ["1 key user deactivated in 91 days"],
    }


def test_a_week_of_a_module_is_judged_only_where_its_usual_week_is_large() -> None:
    found = find_warnings(
        conditions("module_use_halved_in_a_week"),
        rows(
            reporting_vs_usual_7d=[-0.5, -0.5, -0.49, np.nan],
            reporting_usual_week=[28.0, 27.9, 500.0, np.nan],
            dash_board_vs_usual_7d=[-1.0, 0.0, 0.0, np.nan],
            dash_board_usual_week=[40.0, 40.0, 40.0, np.nan],
        ),
        currency="EUR",
    )
    minus = "\N{MINUS SIGN}"
    assert {account: [one.text for one in warnings] for account, warnings in found.items()} == {
        "a": [
            f"use of dash board {minus}100 % against a usual week",
            f"use of reporting {minus}50 % against a usual week",
        ]
    }


def dataset(model: Any, accounts: list[str], days: list[float], figure: list[float]) -> Dataset:
    config = configure()
    keys = pd.DataFrame({"account_id": accounts, "as_of": AS_OF, "days_to_renewal": days})
    features = pd.DataFrame({"figure": figure})
    return Dataset(model, keys, features, catalogue(config), AS_OF.date())


def test_every_account_has_one_row_its_own_else_that_of_the_contract_decided_next() -> None:
    found = watched_rows(
        {
            "churn": dataset("churn", ["a"], [300.0], [1.0]),
            "renewal": dataset("renewal", ["b", "a", "b"], [90.0, 30.0, 10.0], [2.0, 3.0, 4.0]),
        }
    )
    assert dict(zip(found.account, found.features["figure"], strict=True)) == {"a": 1.0, "b": 4.0}


def test_every_playbook_that_the_catalogue_names_exists() -> None:
    named = {template.playbook for template in read_templates()}
    assert named <= {tag for playbook in read_playbooks() for tag in playbook.tags}
    assert named <= {playbook.name for playbook in read_playbooks()}
