"""The demo company: what its tables promise, and how much of a loss can be foreseen at best."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from features.errors import InputError
from pipelines.demo.cause import BASE, CAUSES, PRICE_RISE_WEIGHT, draw_states
from pipelines.demo.company import generate_company
from pipelines.demo.history import draw_terms
from pipelines.demo.period import DATA_END as LAST_DAY
from pipelines.demo.period import DATA_START, add_months, date_of
from pipelines.demo.truth import churn_risk, loss_chance, renewal_risk
from pipelines.demo.usage import EVENTS
from pipelines.demo.world import World, draw_world

TABLES = (
    "accounts contracts usage measures users tickets surveys touchpoints invoices milestones "
    "interventions rates"
)
DATA_END = pd.Timestamp("2026-11-01")
GRACE = pd.Timedelta(days=30)
# What may lie after the end of the data: it was agreed or planned before.
AHEAD = {"contracts.start_date", "contracts.end_date", "milestones.planned_at", "invoices.due_at"}
BITS = range(len(CAUSES))
CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "company"
    generate_company(folder, accounts=300, events=40_000)
    return folder


@pytest.fixture(scope="session")
def world() -> World:
    """The whole-size company of the default seed, without its usage."""
    return draw_world(7, 2000)


def read(folder: Path, name: str) -> pd.DataFrame:
    table: pd.DataFrame = pq.read_table(folder / f"{name}.parquet").to_pandas(date_as_object=False)
    return table


def test_every_contract_table_is_written_and_holds_rows(company: Path) -> None:
    assert all(len(read(company, name)) for name in TABLES.split())
    assert {path.name for path in (company / "truth").iterdir()} == {
        "risk.parquet",
        "cause.parquet",
        "loss.parquet",
    }


def test_the_same_seed_gives_the_same_tables_in_the_same_order(
    company: Path, tmp_path: Path
) -> None:
    generate_company(tmp_path / "again", accounts=300, events=40_000)
    for path in sorted(company.rglob("*.parquet")):
        again = pq.read_table(tmp_path / "again" / path.relative_to(company))
        assert pq.read_table(path).equals(again), path.name


def test_another_seed_gives_another_company(company: Path, tmp_path: Path) -> None:
    generate_company(tmp_path / "other", seed=8, accounts=300, events=1_000)
    other = pq.read_table(tmp_path / "other" / "contracts.parquet")
    assert not pq.read_table(company / "contracts.parquet").equals(other)


def test_a_company_that_is_there_is_left_alone(company: Path) -> None:
    before = (company / "usage.parquet").stat().st_mtime_ns
    lines: list[str] = []
    generate_company(company, accounts=300, events=40_000, progress=lines.append)
    assert (company / "usage.parquet").stat().st_mtime_ns == before
    assert lines == []


def test_a_company_of_another_size_is_replaced_whole(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    generate_company(folder, accounts=40, events=500)
    (folder / "stale.txt").write_text("from before")
    generate_company(folder, accounts=50, events=500)
    assert read(folder, "accounts")["account_id"].nunique() == 50
    assert not (folder / "stale.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["company"]


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="must be a new or empty folder") as caught:
        generate_company(tmp_path, accounts=3, events=0)
    assert len(caught.value.problems) == 3
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_about_as_many_events_are_written_as_were_asked_for(company: Path) -> None:
    assert len(read(company, "usage")) == pytest.approx(40_000, rel=0.05)


def test_nothing_but_agreed_dates_lies_at_or_after_the_end_of_the_data(company: Path) -> None:
    for name in TABLES.split():
        table = read(company, name)
        for column in table.select_dtypes("datetime").columns:
            if f"{name}.{column}" not in AHEAD:
                assert table[column].max() < DATA_END, f"{name}.{column}"
    contracts = read(company, "contracts")
    assert (contracts["signed_at"] <= contracts["start_date"]).all()
    assert (contracts["end_date"] > DATA_END).any()


def test_use_ends_with_the_contract(company: Path) -> None:
    usage, contracts = read(company, "usage"), read(company, "contracts")
    ends = contracts[["end_date", "terminated_at"]].min(axis=1)
    last = ends.fillna(pd.Timestamp("2100-01-01")).groupby(contracts["account_id"]).max()
    used = usage.groupby("account_id")["ts"].max()
    assert (used <= last[used.index] + GRACE).all()
    assert (used < usage["account_id"].map(last).groupby(usage["account_id"]).first()).mean() > 0.99


def test_no_contract_table_tells_an_outcome_or_a_cause(company: Path) -> None:
    causes = {cause.name for cause in CAUSES} | {"low_fit", "price_rise", "lost_on", "decided_at"}
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    for name in TABLES.split():
        assert not causes & set(pq.read_schema(company / f"{name}.parquet").names)
        assert "truth" not in config["tables"][name]


def test_rows_of_accounts_and_users_repeat_only_with_a_later_known_at(company: Path) -> None:
    for name, key in (("accounts", "account_id"), ("users", "user_id")):
        table = read(company, name)
        assert not table.duplicated([key, "known_at"]).any()
        assert table[key].duplicated().any()


def test_every_kind_of_contract_occurs(world: World) -> None:
    terms = world.terms
    main = terms[terms["main"]].sort_values(["account", "start_date"])
    following = main.groupby("account")["start_date"].shift(-1)
    gap = following - main["actual_end"]
    after_decision = main["decided_early"] & (main["lost_on"].isna())
    assert set(main["term_months"].dropna()) == {1, 12, 24, 36}
    assert main["end_date"].isna().any(), "evergreen"
    assert set(main["notice_days"].dropna()) == {30, 60, 90}
    assert gap.between(1, 29).any(), "late renewals"
    assert (gap > 60).any(), "returns"
    assert (gap < 0).any(), "overlaps"
    assert after_decision.any(), "early renewals"
    assert (terms["end_date"] == terms["start_date"]).any(), "terms of no days"
    assert (terms["product"] == "insights").any(), "parallel contracts"
    assert (main["terminated_at"].notna() & main["lost_on"].isna()).any(), "upgrades"
    assert (main["terminated_at"].notna() & main["lost_on"].notna()).any(), "early ends"
    assert set(main["auto_renew"]) == {True, False}


def test_billed_monthly_means_a_monthly_term(world: World) -> None:
    terms = world.terms[world.terms["end_date"] > world.terms["start_date"]]
    assert ((terms["billing_period_months"] == 1) == (terms["term_months"] == 1)).all()


def test_about_as_many_accounts_leave_as_intended(world: World) -> None:
    terms = world.terms[world.terms["main"]]
    decided = terms[terms["decided_at"].between(DATA_START, LAST_DAY - 1)]
    lost = {str(kind): term["lost_on"].notna() for kind, term in decided.groupby("kind")}
    assert 0.03 < lost["monthly"].mean() < 0.045
    assert 0.12 < lost["annual"].mean() < 0.18
    assert lost["monthly"].sum() >= 150
    assert lost["annual"].sum() >= 150


def test_a_loss_in_the_truth_is_a_loss_by_the_tables(company: Path) -> None:
    lost = read(company, "truth/loss")
    known = lost[lost["lost_on"] + GRACE <= DATA_END]
    found = lost_contracts(read(company, "contracts"))
    assert set(known["contract_id"]) == {
        contract for contract in found if found[contract] == "core"
    }


def lost_contracts(contracts: pd.DataFrame) -> dict[str, str]:
    """Contract id to product of what ended and was not followed, in plain words."""
    contracts = contracts.assign(ends=contracts[["end_date", "terminated_at"]].min(axis=1))
    renewed = set(contracts["renews"].dropna())
    found = {}
    for _, own in contracts.groupby("account_id"):
        terms: list[dict[str, Any]] = own.to_dict("records")  # type: ignore[assignment]  # str keys
        for one in terms:
            if one["contract_id"] in renewed or not one["ends"] + GRACE <= DATA_END:
                continue
            followed = any(
                other is not one
                and one["start_date"] <= other["start_date"] <= one["ends"] + GRACE
                and not other["ends"] <= one["ends"]
                for other in terms
            )
            if not followed:
                found[one["contract_id"]] = one["product"]
    return found


def test_the_configuration_names_the_events_and_columns_that_are_written(company: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    catalogue = config["catalogue"]
    assert {
        event: (entry["module"], entry.get("value_action", False))
        for event, entry in catalogue.items()
    } == {event: (module, value) for event, (module, _, value) in EVENTS.items()}
    assert list(config["tables"]) == TABLES.split()
    for name, query in config["tables"].items():
        selected = query.split("FROM")[0].replace("SELECT", "").replace("\n", " ").split(",")
        written = set(pq.read_schema(company / f"{name}.parquet").names)
        assert {column.strip() for column in selected} == written, name
    assert set(read(company, "measures")["name"]) == set(config["measures"])


# --- the true risk


def test_the_chance_of_a_loss_counts_every_path_of_the_causes() -> None:
    state, days, base, rise = 5, (20, 31), -3.0, (0.3, 0.1)
    expected = chance_by_paths(state, days, base, rise)
    found = loss_chance(
        np.array([state], dtype=np.uint8),
        np.array([[*map(float, days), np.nan]]),
        np.array([base]),
        np.array([[*rise, 0.0]]),
    )
    assert found[0] == pytest.approx(expected, abs=1e-5)


def chance_by_paths(
    state: int, days: tuple[int, ...], base: float, rise: tuple[float, ...]
) -> float:
    """Chance of a loss at one of the decisions, each cause stepped one day at a time."""
    staying = {state: 1.0}
    for wait, share in zip(days, rise, strict=True):
        active = {(bit, was): active_after(bit, was, wait) for bit, was in product(BITS, (0, 1))}
        later = dict.fromkeys(range(1 << len(CAUSES)), 0.0)
        for (before, weight), after in product(staying.items(), later):
            for bit in BITS:
                chance = active[bit, before >> bit & 1]
                weight *= chance if after >> bit & 1 else 1 - chance
            later[after] += weight
        staying = {
            after: weight * (1 - leaves(base, after, share)) for after, weight in later.items()
        }
    return 1 - sum(staying.values())


def active_after(bit: int, was: int, days: int) -> float:
    active = float(was)
    for _ in range(days):
        active = active * (1 - CAUSES[bit].ends) + (1 - active) * CAUSES[bit].begins
    return active


def leaves(base: float, state: int, rise: float) -> float:
    odds = base + sum(cause.weight for bit, cause in enumerate(CAUSES) if state >> bit & 1)
    risen = 1 / (1 + math.exp(-odds - PRICE_RISE_WEIGHT))
    return rise * risen + (1 - rise) / (1 + math.exp(-odds))


def test_causes_begin_and_end_as_often_as_stated() -> None:
    births = np.zeros(4000, dtype=np.int64)
    states = draw_states(np.random.default_rng(1), births)
    for bit, cause in enumerate(CAUSES):
        active = (states >> bit & 1).astype(bool)
        began = (~active[:, :-1] & active[:, 1:]).sum() / max(1, (~active[:, :-1]).sum())
        ended = (active[:, :-1] & ~active[:, 1:]).sum() / active[:, :-1].sum()
        assert active[:, 0].mean() == pytest.approx(cause.at_start, abs=0.02)
        assert began == pytest.approx(cause.begins, rel=0.1)
        assert ended == pytest.approx(cause.ends, rel=0.1)


@pytest.fixture(scope="session")
def cohorts(world: World) -> dict[str, pd.DataFrame]:
    """Renewal rows and monthly churn rows with risk and what then happened, mature ones only."""
    terms = world.terms
    fields = ["contract_id", "kind", "end_date", "lost_on"]
    renewal = renewal_risk(world).drop(columns="kind").merge(terms[fields], on="contract_id")
    renewal = renewal[renewal["end_date"] + 30 <= LAST_DAY]
    renewal["happened"] = renewal["lost_on"].notna()
    churn = churn_risk(world)
    monthly = np.flatnonzero(world.accounts["kind"] == "monthly")
    churn = churn[churn["account"].isin(monthly) & (churn["as_of"] + 120 <= LAST_DAY)]
    gone = terms.loc[terms["main"] & terms["lost_on"].notna(), ["account", "lost_on"]]
    pairs = churn.reset_index().merge(gone, on="account")
    ahead = pairs["lost_on"] - pairs["as_of"]
    churn["happened"] = churn.index.isin(pairs.loc[ahead.between(1, 90), "index"])
    return {
        "renewal": renewal,
        "longer": renewal[renewal["kind"] != "monthly"],
        "monthly": churn,
    }


def ceiling(rows: pd.DataFrame) -> float:
    """AUC of the true risk over pairs of rows on the same date."""
    found, pairs = 0.0, 0.0
    for _, one in rows.groupby("as_of"):
        count = int(one["happened"].sum()) * int((~one["happened"]).sum())
        if count:
            found += count * float(roc_auc_score(one["happened"], one["risk"]))
            pairs += count
    return found / pairs


@pytest.mark.parametrize("cohort", ["renewal", "longer", "monthly"])
def test_the_true_risk_neither_knows_all_nor_nothing(
    cohorts: dict[str, pd.DataFrame], cohort: str
) -> None:
    rows = cohorts[cohort]
    late = rows[rows["as_of"] >= LAST_DAY - 30 * 10]
    for part in (rows, late):
        assert 0.78 <= ceiling(part) <= 0.90
        assert part["risk"].mean() == pytest.approx(part["happened"].mean(), rel=0.15)


def test_the_true_risk_is_calibrated_at_every_height(cohorts: dict[str, pd.DataFrame]) -> None:
    rows = pd.concat(cohorts.values())
    tenths = pd.qcut(rows["risk"], 10, duplicates="drop")
    means = rows.groupby(tenths, observed=True)[["risk", "happened"]].mean()
    assert (means["risk"] - means["happened"]).abs().max() < 0.05


def test_lead_alone_tells_little_about_longer_renewals(cohorts: dict[str, pd.DataFrame]) -> None:
    rows = cohorts["longer"]
    assert ceiling(rows.assign(risk=rows["as_of"] - rows["end_date"])) == pytest.approx(
        0.5, abs=0.1
    )


def test_the_risk_of_a_decided_loss_is_certain(world: World) -> None:
    terms = world.terms
    decided = terms[terms["main"] & terms["lost_on"].notna() & (terms["kind"] == "annual")]
    churn = churn_risk(world).merge(decided, on="account", suffixes=("", "_of_term"))
    after = churn[
        (churn["as_of"] > churn["decided_at"])
        & (churn["as_of"] < churn["lost_on"])
        & (churn["as_of"] + 90 >= churn["lost_on"])
    ]
    assert len(after)
    assert (after["risk"] == 1).all()


def test_an_account_keeps_its_contracts_whoever_else_is_there() -> None:
    small, large = draw_world(3, 30), draw_world(3, 30)
    alone = draw_terms(3, small.accounts.iloc[4:5].reset_index(drop=True), small.states[4:5])
    kept = large.terms[large.terms["account"] == 4]
    columns = ["account_id", "start_date", "end_date", "arr", "lost_on"]
    pd.testing.assert_frame_equal(
        alone[columns].astype({"lost_on": float}),
        kept[columns].reset_index(drop=True).astype({"lost_on": float}),
        check_dtype=False,
    )


def test_months_are_added_on_the_same_day() -> None:
    for day, months in product((0, 27, 400), (1, 12, 36)):
        earlier, later = date_of(day), date_of(add_months(day, months))
        assert later.day == earlier.day
        assert (later.year - earlier.year) * 12 + later.month - earlier.month == months


def test_every_kind_of_term_has_a_base_risk(world: World) -> None:
    assert set(world.terms["kind"]) == set(BASE)
