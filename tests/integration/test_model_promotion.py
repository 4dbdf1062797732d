"""A promotion is complete or it has not happened: bundle, pointer and registry agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from features.dataset import ModelName
from models.champion import bundle_folder, champion
from models.registry import champion_version, record_training
from models.tier import Thresholds
from pipelines import training
from pipelines.home import Home
from tests.integration.trained import PROVENANCE, null_model, trained_model

THRESHOLDS = Thresholds(high=0.5, medium=0.2)


@pytest.fixture(autouse=True)
def without_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording needs no tables here: who is scored, tiers and provenance are given."""
    monkeypatch.setattr(training, "build_population", lambda *_: None)
    monkeypatch.setattr(training, "_thresholds", lambda *_: THRESHOLDS)
    monkeypatch.setattr(training, "_provenance", lambda *_: PROVENANCE)


def record(home: Path, *, promoted: bool) -> str:
    config, source = Mock(company=PROVENANCE.company), Mock()
    model = trained_model() if promoted else null_model()
    outcomes: dict[ModelName, training.Outcome] = {"churn": model}
    run = training.record_run(config, source, Home(home), outcomes)
    return run.versions["churn"]


def test_the_alias_and_the_pointer_move_to_a_promoted_version_only(tmp_path: Path) -> None:
    for version, promoted in (("1", True), ("2", False)):
        assert record(tmp_path, promoted=promoted) == version
        assert champion_version(tmp_path, "acme", "churn") == "1"
        assert champion(tmp_path, "acme", "churn") == bundle_folder(tmp_path, "acme", "churn", "1")


@pytest.mark.parametrize("step", ["write_bundle", "promote"])
def test_a_promotion_that_fails_leaves_the_alias_where_it_was(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(training, step, fail)
    with pytest.raises(OSError, match="no space left"):
        record(tmp_path, promoted=True)
    assert champion_version(tmp_path, "acme", "churn") is None
    assert champion(tmp_path, "acme", "churn") is None
    assert record_training(tmp_path, null_model(), PROVENANCE) == "2"
