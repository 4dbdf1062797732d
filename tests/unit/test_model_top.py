"""What is found at the top of a ranking, and what acting on it brings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from empulse.metrics import cost_loss, mpc_score

from models.bootstrap import draw_groups
from models.ranking import order_rows
from models.settings import CostSettings
from models.table import FloatArray
from models.top import Top, judge_tops, say_costs, top_sums

NO_COSTS = CostSettings()
COSTS = CostSettings(contact=50.0, save_rate=0.3)


def tops(
    label: FloatArray,
    score: FloatArray,
    *,
    arr: FloatArray | None = None,
    as_of: npt.NDArray[np.generic] | None = None,
    capacity: int = 1,
    costs: CostSettings = NO_COSTS,
) -> dict[str, Top]:
    """The tops of rows that are groups of their own."""
    rows = len(label)
    return judge_tops(
        label,
        np.full(rows, np.nan) if arr is None else arr,
        order_rows(score, np.zeros(rows) if as_of is None else as_of),
        draw_groups(np.arange(rows).astype(object), replicates=50, seed=0),
        capacity=capacity,
        costs=costs,
    )


def test_the_profit_of_acting_states_its_costs() -> None:
    said = say_costs(CostSettings(contact=1250.0, save_rate=0.3), "EUR")
    assert "takes 30 % of the lost ARR as saved, less EUR 1,250 for contacting each" in said
    assert "assumed" not in said
    assert "EUR 0.50 for" in say_costs(CostSettings(contact=0.5, save_rate=0.3), "EUR")


def test_a_cost_that_is_not_set_is_said_to_be_assumed() -> None:
    assert say_costs(CostSettings(save_rate=0.3), "USD").endswith(
        "less USD 0 for contacting each account: costs of the configuration, not measured; "
        "assumed, since it is not set: costs.contact."
    )
    assert "not set: costs.save_rate" in say_costs(CostSettings(contact=50.0), "USD")
    assert "is unknown" in say_costs(NO_COSTS, "USD")


def random_rows(rows: int = 400) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Label, probability without ties, and ARR."""
    generator = np.random.default_rng(5)
    probability = generator.random(rows)
    label = (generator.random(rows) < probability).astype(np.float64)
    return label, probability, generator.gamma(2.0, 1000.0, rows)


def test_the_capacity_is_taken_from_the_top_of_each_as_of_date() -> None:
    label = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    score = np.array([0.9, 0.2, 0.1, 0.3, 0.2, 0.1])
    as_of = np.array([1, 1, 1, 2, 2, 2])
    found = tops(label, score, as_of=as_of, arr=np.full(6, 100.0))["capacity"]
    assert found.rows == 1.0
    assert found.precision.value == 0.5
    assert found.lift.value == 1.0
    assert found.caught.value == pytest.approx(1 / 3)
    assert found.arr_caught.value == 50.0
    assert found.arr_caught_share.value == pytest.approx(1 / 3)


def test_a_capacity_beyond_the_rows_takes_all_of_them() -> None:
    found = tops(np.array([1.0, 0.0]), np.array([0.1, 0.2]), capacity=10)["capacity"]
    assert (found.rows, found.precision.value, found.caught.value) == (2.0, 0.5, 1.0)


def test_rows_of_one_score_are_taken_in_equal_parts() -> None:
    found = tops(np.array([1.0, 0.0, 0.0, 0.0]), np.full(4, 0.5))["capacity"]
    assert found.precision.value == 0.25
    assert found.lift.value == 1.0


def test_the_share_is_of_the_rows_of_a_date() -> None:
    label, probability, _ = random_rows()
    found = tops(label, probability)
    best = np.argsort(-probability)
    assert (found["5_percent"].rows, found["10_percent"].rows) == (20.0, 40.0)
    assert found["5_percent"].precision.value == label[best[:20]].mean()
    assert found["10_percent"].lift.value == pytest.approx(label[best[:40]].mean() / label.mean())


def test_a_weight_of_two_counts_as_the_row_twice() -> None:
    label, probability, _ = random_rows(50)
    weight = np.random.default_rng(1).integers(0, 3, 50)
    twice = np.repeat(np.arange(50), weight)
    weighted = top_sums(
        label[:, None], weight[None, :].astype(float), order_rows(probability), share=0.2
    )
    repeated = top_sums(
        label[twice][:, None], np.ones((1, len(twice))), order_rows(probability[twice]), share=0.2
    )
    assert weighted == pytest.approx(repeated)


def test_unknown_arr_and_absent_costs_leave_money_unknown() -> None:
    label, probability, arr = random_rows()
    without_arr = tops(label, probability, costs=COSTS)["5_percent"]
    without_costs = tops(label, probability, arr=arr)["5_percent"]
    assert np.isnan([without_arr.arr_caught.value, without_arr.profit.value]).all()
    assert np.isnan(without_costs.profit.value)
    assert without_costs.arr_caught.value > 0
    assert without_costs.to_json()["profit"] is None


def test_the_profit_is_the_saved_cost_of_a_profit_metrics_library() -> None:
    label, probability, arr = random_rows()
    found = tops(label, probability, arr=arr, costs=COSTS, capacity=60)["capacity"]
    acted = np.zeros(len(label))
    acted[np.argsort(-probability)[:60]] = 1.0
    loss = cost_loss(
        label,
        acted,
        tp_cost=COSTS.contact - COSTS.save_rate * arr,
        fp_cost=COSTS.contact,
        tn_cost=0.0,
        fn_cost=0.0,
        normalize=False,
    )
    assert found.profit.value == pytest.approx(-loss)


def test_the_best_profit_of_equal_accounts_is_the_maximum_profit_measure_for_churn() -> None:
    label, probability, _ = random_rows()
    arr = 1000.0
    profits = [
        tops(label, probability, arr=np.full(400, arr), costs=COSTS, capacity=k)[
            "capacity"
        ].profit.value
        for k in range(1, 401, 1)
    ]
    best = mpc_score(
        label,
        probability,
        clv=arr,
        accept_rate=COSTS.save_rate,
        incentive_cost=0.0,
        contact_cost=COSTS.contact,
    )
    assert max(profits) / 400 == pytest.approx(best, rel=1e-3)
