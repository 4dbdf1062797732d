"""Why an account has no probability."""

from __future__ import annotations

import pytest

from models.account_score import AccountScore
from models.unscored import UnscoredReason, reason_unscored
from tests.integration.company import due, lost


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (due("A", 0.4), None),
        (lost("L"), None),
        (AccountScore(account_id="R", state="renewed"), None),
        (AccountScore(account_id="N", state="no_term"), "no_model"),
        (AccountScore(account_id="W", state="to_decide", abstained="interval_too_wide"),
         "interval_too_wide"),
        (AccountScore(account_id="Y", state="too_little_history", abstained="too_little_history"),
         "too_little_history"),
    ],
)  # fmt: skip
def test_it_was_withheld_or_no_model_speaks_of_it_unless_nothing_is_left_to_decide(
    score: AccountScore, reason: UnscoredReason | None
) -> None:
    assert reason_unscored(score) == reason
