"""The glossary explains every word that the product shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.catalogue import read_templates
from features.people import KEY_ROLES
from models.account_score import ABSTENTIONS, BASES, STATES, TIERS
from models.alert import SEVERITIES
from models.feedback import DISPOSITIONS, FEEDBACK_REASONS, LOSSES
from models.key import SCOPES
from models.warning_mute import MUTE_REASONS

TEXT = (Path(__file__).parents[2] / "GLOSSARY.md").read_text(encoding="utf-8")
GROUPS = sorted({template.group for template in read_templates()} | {"attributes"})


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_an_entry(state: str) -> None:
    assert f"\n- `{state}`: " in TEXT


@pytest.mark.parametrize("word", [*BASES, *TIERS, *ABSTENTIONS, *GROUPS, *SEVERITIES])
def test_every_basis_tier_abstention_and_feature_group_is_named(word: str) -> None:
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize(
    "word", [*SCOPES, *DISPOSITIONS, *FEEDBACK_REASONS, *LOSSES, *MUTE_REASONS]
)
def test_every_scope_and_every_word_of_feedback_is_named(word: str) -> None:
    assert f"`{word}`" in TEXT


@pytest.mark.parametrize("role", KEY_ROLES)
def test_every_role_of_a_key_user_is_named(role: str) -> None:
    (entry,) = re.findall(r"\*\*Key user\*\*:.*?\n- ", TEXT, flags=re.DOTALL)
    assert role in entry


def test_no_word_is_explained_twice() -> None:
    words = [word.lower() for word in re.findall(r"\*\*([^*]+)\*\*", TEXT)]
    assert len(words) == len(set(words))
