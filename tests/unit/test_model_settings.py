"""The sections of the configuration about models."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from models.settings import ModelSettings, TeamSettings, TierSettings


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(ValidationError, match="capcity"):
        TeamSettings.model_validate({"capcity": 3})


def test_every_key_has_a_default_and_a_description() -> None:
    sections = ModelSettings().model_dump()
    assert set(sections) == {
        "split",
        "backtest",
        "promotion",
        "team",
        "costs",
        "tiers",
        "interventions",
        "training",
        "tuning",
        "abstention",
        "publish",
        "retention",
        "serving",
        "webhooks",
        "warnings",
    }
    for name, field in ModelSettings.model_fields.items():
        section = field.annotation
        assert section is not None
        for key, value in section.model_fields.items():
            assert value.description, f"{name}.{key}"


def test_tier_thresholds_come_in_pairs_and_in_order() -> None:
    with pytest.raises(ValidationError, match="both"):
        TierSettings(high=0.5)
    with pytest.raises(ValidationError, match="above"):
        TierSettings(high=0.2, medium=0.5)
    assert TierSettings(high=0.5, medium=0.2).high == 0.5
