"""Playbooks: whole, in both languages, checked, and offered where they fit."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest
import yaml

from features.errors import InputError
from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.health import Health
from models.playbook import Playbook, Stage, merge_playbooks, read_playbooks
from models.playbook_cause import find_causes
from models.playbook_offer import Offers, offer, plan_offers, with_playbooks
from models.warning_rule import read_rules
from pipelines.config import read_config

OWN = {
    "name": "send-a-card",
    "title": {"en": "Send a card"},
    "action": {"en": "Send a card."},
    "who": "csm",
    "due_days": 3,
}
TAGS = {"arr": "review", "users": "win-seats", "only_shallow_28d": "train-deep-modules"}


def account(
    *drivers: tuple[str, float],
    experience: float | None = None,
    **keys: Any,  # Any: fields of the score
) -> AccountScore:
    health = None
    if experience is not None:
        health = Health(
            score=50,
            outcome=None,
            experience=experience,
            coverage=1,
            profile="default",
            factors=(),
        )
    reasons = tuple(Driver(name, "group", "", 1.0, None, weight) for name, weight in drivers)
    return AccountScore(account_id="a", state="no_term", drivers=reasons, health=health, **keys)


def offers(*own: dict[str, object], **figures: object) -> Offers:
    """The playbooks beside the figures of the account a."""
    playbooks = merge_playbooks([Playbook.model_validate(one) for one in own])
    return plan_offers(playbooks, ["a"], pd.DataFrame({name: [v] for name, v in figures.items()}))


def names(found: Offers, tag: str, score: AccountScore) -> str | None:
    chosen = found.find(tag, score)
    return None if chosen is None else chosen.name


@pytest.mark.parametrize("playbook", read_playbooks(), ids=lambda one: one.name)
def test_a_shipped_playbook_is_worded_in_both_languages(playbook: Playbook) -> None:
    for words in (playbook.title, playbook.action, playbook.steps):
        assert set(words) == {"en", "zh"}
        assert all(words.values())
    assert len(playbook.steps["en"]) == len(playbook.steps["zh"])
    assert playbook.action["en"].endswith(".")
    assert playbook.action["en"].count(". ") == 0


def test_a_training_on_deep_modules_fits_where_only_shallow_ones_are_used() -> None:
    shallow = offers(only_shallow_28d=1.0, stage="growth", active_users_28d=9.0)
    deep = offers(only_shallow_28d=0.0, stage="growth", active_users_28d=9.0)
    assert names(shallow, "train-deep-modules", account()) == "teach-deep-modules"
    assert names(deep, "train-deep-modules", account()) == "train-deep-modules"


def test_a_sharing_session_fits_only_where_the_experience_is_known_to_be_good() -> None:
    found = offers(only_shallow_28d=0.0, stage="growth", active_users_28d=9.0)
    for experience, name in ((80.0, "sharing-session"), (30.0, None), (None, None)):
        chosen = names(found, "build-habit", account(experience=experience))
        assert chosen == (name or "build-habit")


def test_a_new_contact_comes_with_an_onboarding_where_the_key_user_left() -> None:
    assert names(offers(key_users_gone_91d=1.0), "new-contact", account()) == "onboard-again"
    assert names(offers(key_users_gone_91d=0.0), "new-contact", account()) == "new-contact"


def test_a_small_company_gets_a_method_and_a_large_one_reliability() -> None:
    assert names(offers(employees=20.0), "show-value", account()) == "teach-method"
    assert names(offers(employees=5000.0), "resolve-issues", account()) == "prove-reliability"
    assert names(offers(employees=300.0), "show-value", account()) == "show-value"
    assert names(offers(tenure_days=9.0), "show-value", account()) == "show-value"


def test_stage_segment_and_tier_restrict_and_an_unknown_one_does_not_fit() -> None:
    fits = {"stages": ["growth"], "segments": ["enterprise"], "account_tiers": ["key"]}
    found = offers({**OWN, "fits": fits}, stage="growth")
    match = account(segment="enterprise", account_tier="key")
    assert names(found, "send-a-card", match) == "send-a-card"
    assert names(found, "send-a-card", account(segment="enterprise")) is None
    assert names(offers({**OWN, "fits": fits}), "send-a-card", match) is None


def warning(severity: str, playbook: str | None, *, status: str = "opened") -> Alert:
    day = pd.Timestamp("2026-05-01").date()
    return Alert("rule", None, severity, status, "", 1.0, None, day, 0, playbook)  # type: ignore[arg-type]  # the test chooses


def test_the_playbooks_of_what_weighs_most_are_offered_at_most_three() -> None:
    score = account(("users", 0.3), ("arr", 0.9), ("only_shallow_28d", -2.0))
    alerts = (
        warning("urgent", "call-this-week"),
        warning("watch", "listen"),
        warning("urgent", "get-in-touch", status="closed"),
        warning("soon", None),
    )
    # Size is a driver of 0.9, but one about which little can be done.
    found = offers()
    told = replace(score, drivers=with_playbooks(found, score, TAGS), alerts=alerts)
    assert offer(found, told) == ("call-this-week", "win-seats", "listen")
    assert offer(found, replace(told, state="notice_given")) == ()  # it is lost: ask why


def test_drivers_that_lower_the_risk_or_that_no_playbook_knows_ask_for_nothing() -> None:
    found, score = offers(), account(("users", -1.0), ("odd", 1.0))
    told = replace(score, drivers=with_playbooks(found, score, TAGS))
    assert [one.playbook for one in told.drivers] == [None, None]
    assert offer(found, told) == ()


def test_each_playbook_is_told_with_the_drivers_and_open_warnings_that_ask_for_it() -> None:
    score = account(("only_shallow_28d", 0.4), ("users", 0.3), ("seats", 0.2))
    tags = {**TAGS, "seats": "win-seats"}
    drivers = with_playbooks(offers(only_shallow_28d=1.0), score, tags)
    alerts = (warning("soon", "win-seats"), warning("soon", "win-seats", status="closed"))
    told = replace(score, drivers=drivers, alerts=alerts)
    causes = find_causes(told, "win-seats")
    assert [one.feature for one in causes.drivers] == ["users", "seats"]
    assert (causes.alerts, causes.rules) == (alerts[:1], {"rule": []})
    (cause,) = find_causes(told, "teach-deep-modules").drivers
    assert cause.feature == "only_shallow_28d"
    assert find_causes(told, "listen") == ((), ())


def asked_for() -> list[tuple[str, str]]:
    """What the shipped catalogue and warnings ask for, each with what asks for it."""
    folder = resources.files("features").joinpath("entries")
    entries = [
        (entry["name"], entry["playbook"])
        for file in folder.iterdir()
        for entry in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]
    return entries + [(rule.name, rule.playbook) for rule in read_rules()]


def test_whatever_the_catalogue_and_the_warnings_ask_for_is_answered_for_every_account() -> None:
    """Of a name that only special playbooks serve, some accounts would be offered nothing."""
    asked = asked_for()
    assert len(asked) > 200
    unknown = offers(tenure_days=1.0)
    assert [one for one in asked if names(unknown, one[1], account()) is None] == []


def test_every_shipped_playbook_is_asked_for_by_something() -> None:
    tags = {tag for _, tag in asked_for()}
    assert [one.name for one in read_playbooks() if not tags & set(one.tags)] == []


@pytest.mark.parametrize("stage", get_args(Stage))
def test_a_renewal_is_prepared_in_its_stage_and_first_value_reached_in_the_first_year(
    stage: str,
) -> None:
    found = offers(stage=stage)
    renewal = "prepare-renewal" if stage == "renewal" else "review"
    assert names(found, "prepare-renewal", account()) == renewal
    value = "review" if stage == "active" else "onboard"
    assert names(found, "onboard", account()) == value


def test_an_own_playbook_takes_the_place_of_a_shipped_one() -> None:
    mine = {**OWN, "name": "win-seats"}
    found = offers(mine)
    assert names(found, "win-seats", account()) == "win-seats"
    assert found.playbooks[0].action["en"] == "Send a card."
    assert [one.name for one in found.playbooks].count("win-seats") == 1


def configured(folder: Path, playbooks: object, text: str | None = None) -> Any:
    raw = {
        "config_version": 1,
        "company": "acme",
        "tables": {"accounts": "SELECT 1", "contracts": "SELECT 1"},
        "playbooks": playbooks,
    }
    (folder / "acme.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    if text is not None:
        (folder / "mine.yaml").write_text(text, encoding="utf-8")
    return read_config(folder / "acme.yaml")


def faults(folder: Path, playbooks: object, text: str | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        configured(folder, playbooks, text)
    return [str(problem).split(";")[0] for problem in caught.value.problems]


def test_playbooks_are_read_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    config = configured(tmp_path, "mine.yaml", yaml.safe_dump([OWN]))
    assert [one.name for one in config.playbooks] == ["send-a-card"]
    assert "send-a-card" in config.to_yaml()


def test_everything_that_is_wrong_with_a_playbook_is_said_at_once_and_where(tmp_path: Path) -> None:
    wrong = [
        {**OWN, "who": "boss", "due": 3},
        {**OWN, "title": {"zh": "卡"}, "fits": {"when": {"seats": {}}}},
        OWN,
        OWN,
    ]
    found = faults(tmp_path, "mine.yaml", yaml.safe_dump(wrong))
    place = "config.playbooks (mine.yaml)"
    assert found[0].startswith(f"{place}.0 (send-a-card).who: Input should be 'csm'")
    assert f"{place}.0 (send-a-card).due: is no key of a playbook" in found
    assert f"{place}.1 (send-a-card).title: must be given in English at least: {{en: ...}}" in found
    assert any(
        one.startswith(f"{place}.1 (send-a-card).fits.when.seats: give one") for one in found
    )
    assert f"{place}: gives send-a-card 2 times" in found


def test_a_file_that_is_not_there_or_a_feature_that_does_not_exist_is_refused(
    tmp_path: Path,
) -> None:
    assert faults(tmp_path, "none.yaml") == ["config.playbooks: none.yaml does not exist"]
    assert faults(tmp_path, 3) == ["config.playbooks: is neither a list nor a path"]
    odd = {**OWN, "fits": {"when": {"moods": {"below": 1}}}}
    assert faults(tmp_path, [odd]) == [
        "config.playbooks (send-a-card).fits.when.moods: is no feature"
    ]
