"""Why a company has no model is kept, and said again where the model is missed."""

from __future__ import annotations

from pathlib import Path

from models.trained import Skipped
from pipelines.home import Home
from pipelines.last_verdict import (
    ALL_THE_SAME,
    UNTRAINED,
    keep_refusals,
    read_refusals,
    refusal,
    say_missing,
)
from tests.integration.trained import null_model, trained_model

NONE = {"churn": None, "renewal": None}


def test_only_a_model_that_may_be_used_has_no_refusal() -> None:
    assert refusal(Skipped("churn", "too few accounts")) == "too few accounts"
    assert refusal(null_model()) == "not promoted: no better than chance"
    assert refusal(trained_model()) is None


def test_the_last_training_is_remembered_and_replaces_the_one_before(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert read_refusals(home, "acme") is None
    keep_refusals(home, "acme", {"churn": Skipped("churn", "a"), "renewal": null_model()})
    found = read_refusals(home, "acme")
    assert found == {"churn": "a", "renewal": "not promoted: no better than chance"}
    keep_refusals(home, "acme", {"churn": trained_model()})
    assert read_refusals(home, "acme") == {}
    assert read_refusals(home, "other") is None
    assert [path.name for path in (tmp_path / "reports" / "acme").iterdir()] == ["refusals.json"]


def test_a_missing_model_is_named_with_the_reason_and_what_is_published_all_the_same() -> None:
    assert say_missing(NONE, {"churn": "too few accounts"}) == [
        "no churn model: too few accounts",
        ALL_THE_SAME,
    ]
    assert say_missing({**NONE, "churn": {"version": "1"}}, {"renewal": "b"}) == [
        "no renewal model: b"
    ]
    assert say_missing({"churn": {"version": "1"}}, {"churn": "a refused challenger"}) == []


def test_only_who_never_trained_is_told_to_train() -> None:
    assert say_missing(NONE, None) == [UNTRAINED]
    assert "keepwell train" in UNTRAINED
