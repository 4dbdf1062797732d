"""What moved a probability is told apart, and the parts add up exactly."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.account_score import Basis
from models.score_change import explain_change

GROUPS = ("usage", "people", "contract")
LOG_ODDS = st.floats(-3, 3)
PARTS = st.dictionaries(st.sampled_from(GROUPS), LOG_ODDS)


@dataclass
class Told:
    """What a snapshot says of an account."""

    loss_probability: float | None
    contributions: dict[str, float] = field(default_factory=dict)
    basis: Basis | None = "renewal"
    rescored_probability: float | None = None
    rescored_contributions: dict[str, float] = field(default_factory=dict)
    account_id: str = "A1"
    arr_to_decide: float | None = 1000.0


def say(base: float, parts: dict[str, float]) -> Told:
    """A model's answer: base and contributions, log-odds."""
    return Told(1 / (1 + math.exp(-base - math.fsum(parts.values()))), parts)


@given(base=LOG_ODDS, before=PARTS, now=PARTS)
def test_under_one_model_the_groups_add_up_to_the_change(
    base: float, before: dict[str, float], now: dict[str, float]
) -> None:
    old, new = say(base, before), say(base, now)
    change = explain_change(old, new, voice="same")
    assert change.kind == "same_model"
    assert change.model_change == 0.0
    assert change.total is not None
    assert change.customer_change == pytest.approx(change.total, abs=1e-9)
    assert all(one.change * one.points >= 0 for one in change.by_group or ())


@given(bases=st.tuples(LOG_ODDS, LOG_ODDS), before=PARTS, asked=PARTS, now=PARTS)
def test_under_another_model_its_change_and_the_customers_add_up(
    bases: tuple[float, float],
    before: dict[str, float],
    asked: dict[str, float],
    now: dict[str, float],
) -> None:
    old, again, new = say(bases[0], before), say(bases[1], asked), say(bases[1], now)
    new.rescored_probability = again.loss_probability
    new.rescored_contributions = asked
    change = explain_change(old, new, voice="asked")
    assert change.kind == "rescored"
    assert change.total is not None
    assert change.model_change is not None
    assert change.customer_change is not None
    assert change.model_change + change.customer_change == pytest.approx(change.total, abs=1e-9)


def test_a_customer_that_did_nothing_changed_by_the_model_alone() -> None:
    asked = say(-1.0, {"usage": 0.5})
    now = say(-1.0, {"usage": 0.5})
    now.rescored_probability, now.rescored_contributions = asked.loss_probability, {"usage": 0.5}
    change = explain_change(Told(0.2, {"usage": 9.0}), now, voice="asked")
    assert change.model_change == change.total
    assert change.by_group == ()


def test_what_cannot_be_taken_apart_says_so() -> None:
    known = say(-1.0, {"usage": 0.5})
    assert explain_change(None, known, voice="same").kind == "new"
    assert explain_change(known, None, voice="same").kind == "gone"
    assert explain_change(Told(None, basis=None), known, voice="same").kind == "no_probability"
    assert explain_change(known, known, voice="asked").kind == "other_model"
    stale = Told(0.5, rescored_probability=0.4)
    assert explain_change(known, stale, voice="other").kind == "other_model"
    other = explain_change(Told(0.5, basis="churn"), known, voice="same")
    assert (other.kind, other.by_group, other.model_change) == ("other_basis", None, None)
    assert other.total == pytest.approx((known.loss_probability or 0) - 0.5)
