"""What became of an earlier snapshot is counted once it is known, and for who may see it."""

from __future__ import annotations

from datetime import date

import pytest

from models.account_score import Tier
from models.life import Outcome
from models.row_filter import RowFilter
from models.track_record import Act, Acts, Claim, Maturity, choose_judged, make_record

EVERYTHING = RowFilter({})
JULY = Maturity("s7", date(2026, 7, 1), True, 2, 5, 4)
NOBODY: Acts = frozenset()


def claim(name: str, loss: float, rank: int, arr: float | None = 100.0, **more: str) -> Claim:
    given = {
        "external_id": None, "parent_id": None, "segment": "smb", "account_tier": None,
        "region": None, "owner": None, "basis": "churn", **more,
    }  # fmt: skip
    tier: Tier = "high" if loss >= 0.5 else "low"
    return Claim(
        account_id=name, loss_probability=loss, risk_tier=tier, arr_to_decide=arr, rank=rank,
        **given,  # type: ignore[arg-type]  # a test's own texts
    )  # fmt: skip


def became(name: str, *, lost: bool, worked_on: bool = False) -> Outcome:
    return Outcome(
        snapshot_id="s7", account_id=name, lost=lost, known_on=date(2026, 10, 31),
        worked_on=worked_on,
    )  # fmt: skip


CLAIMS = (
    claim("A", 0.9, 1, 300.0),
    claim("B", 0.6, 2, 200.0),
    claim("C", 0.5, 3, None, segment="mid"),
    claim("D", 0.1, 4, 100.0, segment="mid"),
    claim("E", 0.1, 5),
)
OUTCOMES = (
    became("A", lost=True),
    became("B", lost=False, worked_on=True),
    became("C", lost=True, worked_on=True),
    became("D", lost=True),
)


def test_lost_and_expected_are_counted_over_what_is_known() -> None:
    record = make_record(JULY, CLAIMS, OUTCOMES, acts=NOBODY, admits=EVERYTHING.admits)
    assert (record.total.accounts, record.total.lost, record.unknown) == (4, 3, 1)
    assert record.total.expected == pytest.approx(2.1)
    assert (record.total.arr, record.total.arr_lost) == (600.0, 400.0)
    assert (record.high.accounts, record.high.lost) == (3, 2)
    assert record.high.expected == pytest.approx(2.0)
    assert record.known_by == date(2026, 10, 31)


def test_accounts_that_were_worked_on_stand_apart() -> None:
    record = make_record(JULY, CLAIMS, OUTCOMES, acts=NOBODY, admits=EVERYTHING.admits)
    acted, alone = record.high_worked_on, record.high_left_alone
    assert (acted.accounts, acted.lost) == (2, 1)
    assert (alone.accounts, alone.lost) == (1, 1)


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), True),
        (date(2026, 9, 28), True),
        (date(2026, 9, 29), False),  # the 90 days are over: it came after what was judged
    ],
)
def test_what_people_put_down_counts_in_the_span_that_the_probability_spoke_of(
    day: date, counts: bool
) -> None:
    judged = JULY._replace(churn_days=90)
    acts = frozenset({Act("A", day)})
    record = make_record(judged, CLAIMS, OUTCOMES, acts=acts, admits=EVERYTHING.admits)
    assert record.said_counted
    assert (record.high_worked_on.accounts, record.high_left_alone.accounts) == (
        (3, 0) if counts else (2, 1)
    )


def test_a_renewal_is_worked_on_until_it_is_known() -> None:
    claims = (claim("A", 0.9, 1, basis="renewal"),)
    for day, counts in ((date(2026, 10, 30), 1), (date(2026, 10, 31), 0)):
        record = make_record(
            JULY._replace(churn_days=90), claims, OUTCOMES, acts=frozenset({Act("A", day)}),
            admits=EVERYTHING.admits,
        )  # fmt: skip
        assert record.high_worked_on.accounts == counts


def test_where_nobody_can_tell_what_people_put_down_the_table_alone_counts() -> None:
    record = make_record(JULY, CLAIMS, OUTCOMES, acts=None, admits=EVERYTHING.admits)
    assert (record.said_counted, record.high_worked_on.accounts) == (False, 2)


def test_the_top_of_the_ranking_is_what_the_team_can_work_on() -> None:
    record = make_record(JULY, CLAIMS, OUTCOMES, acts=NOBODY, admits=EVERYTHING.admits)
    assert record.top is not None
    assert (record.top.accounts, record.top.lost, record.top.arr_lost) == (2, 1, 300.0)
    assert record.arr_lost_in_top == 0.75
    assert (record.high_unknown, record.top_unknown) == (0, 0)
    wide = make_record(
        JULY._replace(capacity=9), CLAIMS, OUTCOMES[1:], acts=NOBODY, admits=EVERYTHING.admits
    )
    assert (wide.unknown, wide.high_unknown, wide.top_unknown) == (2, 1, 2)
    unsaid = make_record(
        JULY._replace(capacity=None), CLAIMS, OUTCOMES, acts=NOBODY, admits=EVERYTHING.admits
    )
    assert (unsaid.top, unsaid.arr_lost_in_top) == (None, None)


def test_a_row_filter_counts_its_own_accounts_and_its_own_top() -> None:
    record = make_record(
        JULY, CLAIMS, OUTCOMES, acts=NOBODY, admits=RowFilter({"segment": ["mid"]}).admits
    )
    assert (record.total.accounts, record.total.lost, record.total.arr_lost) == (2, 2, 100.0)
    assert record.top is not None
    assert record.top.accounts == 2
    nobody = make_record(
        JULY, CLAIMS, OUTCOMES, acts=NOBODY, admits=RowFilter({"segment": ["x"]}).admits
    )
    assert (nobody.total.accounts, nobody.total.arr_lost, nobody.arr_lost_in_top) == (0, None, None)


def test_the_latest_date_of_which_nearly_all_is_known_is_judged() -> None:
    march, june = (Maturity(f"s{n}", date(2026, n, 1), False, 2, 100, 100) for n in (3, 6))
    ripe, green = june._replace(known=95), june._replace(known=94)
    assert choose_judged([ripe, march]) == ripe
    assert choose_judged([green, march]) == march
    assert choose_judged([green]) is None
    assert choose_judged([march._replace(claims=0, known=0)]) is None
