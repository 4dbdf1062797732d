"""The forecast on written books: what is known counts exactly, the rest is drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models import forecast
from models.forecast import Rates, draw_flows, learn_rates
from models.past_term import read_past
from models.renewal_rate import fit_rates
from models.retention import look_ahead, measure
from tests.past_rows import TODAY, book_of, book_row, past_frame, quarter_ends, signed


@pytest.fixture(scope="module")
def rates() -> Rates:
    """Rates of parents that differ much from each other."""
    return learn_rates(read_past(past_frame(spread=1.5)))


def test_signed_successors_renew_in_every_draw(rates: Rates) -> None:
    book = book_of(
        rates.past,
        book_row("a", **signed(arr=1000.0)),
        book_row("b", **signed(arr=1500.0)),
        book_row("c", **signed(arr=600.0)),
    )
    found = measure(draw_flows(book, rates, quarter_ends(), draws=50, seed=0))
    first = {name: set(np.round(values[:, 0], 12)) for name, values in found.items()}
    assert first == {
        "arr_up_for_renewal": {3000.0},
        "renewed_arr": {2600.0},
        "lost_arr": {0.0},
        "contraction_arr": {400.0},
        "expansion_arr": {500.0},
        "grr": {round(2600 / 3000, 12)},
        "nrr": {round(3100 / 3000, 12)},
        "opening_arr": {3000.0},
        "grr_of_opening": {round(2600 / 3000, 12)},
        "nrr_of_opening": {round(3100 / 3000, 12)},
    }
    # The new terms end in a year: nothing is up in between, so that there is no rate.
    assert set(found["arr_up_for_renewal"][:, 1]) == {0.0}
    assert np.isnan(found["grr"][:, 1]).all()
    assert set(found["grr_of_opening"][:, 1]) == {1.0}


def test_all_renewed_at_the_same_price_is_a_grr_of_one(rates: Rates) -> None:
    book = book_of(rates.past, *(book_row(name, **signed(arr=1000.0)) for name in "abc"))
    found = measure(draw_flows(book, rates, quarter_ends(1), draws=20, seed=0))
    assert set(found["grr"][:, 0]) == set(found["nrr"][:, 0]) == {1.0}


def test_drawing_tells_how_far_it_is_and_draws_the_same(
    rates: Rates, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = book_of(rates.past, book_row("a"), book_row("b"))
    monkeypatch.setattr(forecast, "CELLS_AT_ONCE", 1)
    shares: list[float] = []
    found = draw_flows(book, rates, quarter_ends(), draws=8, seed=0, progress=shares.append)
    assert shares == [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    silent = draw_flows(book, rates, quarter_ends(), draws=8, seed=0)
    np.testing.assert_array_equal(found.closing, silent.closing)


def test_notice_given_is_lost_in_every_draw(rates: Rates) -> None:
    book = book_of(rates.past, book_row("a", fate="lost"), book_row("b", **signed(arr=1000.0)))
    flows = draw_flows(book, rates, quarter_ends(), draws=50, seed=0)
    found = measure(flows)
    assert set(found["lost_arr"][:, 0]) == {1000.0}
    assert set(found["grr"][:, 0]) == {0.5}
    assert set(found["opening_arr"][:, 1]) == {1000.0}


def test_a_contract_past_its_decision_date_that_renews_by_itself_is_kept(rates: Rates) -> None:
    book = book_of(
        rates.past,
        book_row("a", fate="auto_renewed", end_date=pd.Timestamp("2026-03-20")),
    )
    found = measure(draw_flows(book, rates, quarter_ends(1), draws=200, seed=0))
    assert set(found["lost_arr"][:, 0]) == {0.0}


def test_a_monthly_contract_passes_three_ends_a_quarter_and_is_up_once(rates: Rates) -> None:
    members = [book_row(f"a{number}") for number in range(300)]
    book = book_of(rates.past, *members, loss={f"a{number}": 1e-6 for number in range(300)})
    flows = draw_flows(book, rates, quarter_ends(), draws=200, seed=0)
    found = measure(flows)
    assert set(found["arr_up_for_renewal"][:, 0]) == {300_000.0}
    # The first of the three decisions is the model's, near certain; two are left to the rates.
    alone = rates.loss.probability[
        rates.past.kinds.cell(book.kind[:1], book.arr[:1], np.array([18.0]))
    ]
    kept = look_ahead(found["grr"][:, 0]).expected
    later = look_ahead(found["grr"][:, 1]).expected
    assert 1 - 2 * float(alone[0]) < kept < 1.0
    assert later < kept


def test_the_model_speaks_of_the_first_decision_only(rates: Rates) -> None:
    half_year = {
        "start_date": TODAY - pd.DateOffset(months=6),
        "end_date": pd.Timestamp("2026-02-01"),
    }
    rows = [book_row(f"a{n}", billing_period_months=6.0, **half_year) for n in range(400)]
    book = book_of(rates.past, *rows, loss={f"a{n}": 0.3 for n in range(400)})
    found = measure(draw_flows(book, rates, quarter_ends(1), draws=400, seed=0))
    assert look_ahead(found["grr"][:, 0]).expected == pytest.approx(0.7, abs=0.03)


def test_accounts_of_one_parent_give_wider_intervals_than_strangers(rates: Rates) -> None:
    def spread(parents: int) -> float:
        rows = [book_row(f"a{n}", group_id=f"new{n % parents}") for n in range(40)]
        book = book_of(rates.past, *rows, loss={f"a{n}": 0.2 for n in range(40)})
        found = measure(draw_flows(book, rates, quarter_ends(1), draws=1000, seed=0))
        return float(found["renewed_arr"][:, 0].std())

    assert rates.loss.parent_spread > 1.0
    assert spread(20) > 1.1 * spread(40)
    assert spread(2) > 2 * spread(40)


def test_two_accounts_of_one_parent_are_lost_together_more_often_than_two_strangers(
    rates: Rates,
) -> None:
    def variance(groups: tuple[str, str]) -> float:
        rows = [book_row(name, group_id=group) for name, group in zip("ab", groups, strict=True)]
        book = book_of(rates.past, *rows, loss={"a": 0.3, "b": 0.3})
        found = measure(draw_flows(book, rates, quarter_ends(1), draws=4000, seed=1))
        return float(found["renewed_arr"][:, 0].var())

    assert variance(("p", "p")) > 1.05 * variance(("p", "q"))


def test_the_spread_of_parents_is_found_where_there_is_one() -> None:
    same = fit_rates(read_past(past_frame(groups=300, spread=0.0)))
    differ = fit_rates(read_past(past_frame(groups=300, spread=1.5)))
    assert same.parent_spread < 0.6
    assert 1.1 < differ.parent_spread < 1.9


def test_who_renewed_often_is_likelier_to_renew_again() -> None:
    found = fit_rates(read_past(past_frame(groups=300, spread=1.5)))
    terms = found.lost.sum(axis=1) + found.kept.sum(axis=1)
    loyal, new = int(terms.argmax()), len(found.names)
    places = np.array([loyal, new])
    mean = found.posterior(found.parameters, places) @ np.arange(15.0)
    assert mean[0] < mean[1] - 1


def test_silence_after_the_end_is_a_bad_sign(rates: Rates) -> None:
    late = {"end_date": TODAY - pd.Timedelta(days=10), "days_past_end": 10.0}
    book = book_of(rates.past, book_row("a"), book_row("b", **late))
    # In the past every successor was known on the day of the end.
    assert book.silence[0] == pytest.approx(0.0, abs=1e-6)
    assert book.silence[1] > 3


def test_the_same_seed_gives_the_same_forecast(rates: Rates) -> None:
    book = book_of(rates.past, *(book_row(f"a{n}") for n in range(30)))
    first, again = (
        draw_flows(book, rates, quarter_ends(), draws=30, seed=7).closing for _ in range(2)
    )
    assert (first == again).all()


def test_intervals_hold_what_happens_to_simulated_companies() -> None:
    """Companies are forecast after a year, every second one with parents that differ."""
    inside = {80: 0, 95: 0}
    for seed in range(24):
        frame = past_frame(groups=40, months=15, loss=0.05, spread=seed % 2, seed=seed)
        origin = pd.Timestamp("2025-01-01")
        running = frame[(frame["start_date"] <= origin) & (frame["end_date"] > origin)]
        past = read_past(frame[frame["known_at"] <= origin])
        keep = ["contract_id", "group_id", "customer_since", "start_date", "end_date"]
        rows = [
            book_row(str(row[0]), days_past_end=-31.0, **dict(zip(keep[1:], row[1:], strict=True)))
            for row in running[keep].itertuples(index=False)
        ]
        ends = quarter_ends(1, origin)
        flows = draw_flows(book_of(past, *rows), learn_rates(past), ends, draws=150, seed=seed)
        outlook = look_ahead(measure(flows)["renewed_arr"][:, 0])
        # What still runs after the last of the quarter's ends, on 1 March.
        alive = frame.loc[frame["start_date"] == pd.Timestamp("2025-03-01"), "account_id"]
        actual = 1000.0 * alive.isin(running["account_id"]).sum()
        for level, (low, high) in outlook.intervals.items():
            inside[level] += bool(low <= actual <= high)
    assert 15 <= inside[80] <= 24, inside
    assert inside[95] >= 21, inside
