"""``keepwell explain``: from an account's raw rows to the probability that is published."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.dataset import ModelName, build_datasets
from features.errors import InputError
from features.source import Source
from features.state import read_states
from models.account_score import STATES_AT_RISK, AccountScore
from models.bundle import JUDGED_FILE, describe, read_judged, write_bundle
from models.card import CARD_FILE, Card
from models.champion import bundle_folder, promote
from models.store import SnapshotStore
from models.tier import Thresholds
from models.trained import Trained
from pipelines.cli import main
from pipelines.config import Config, read_config
from pipelines.home import Home
from pipelines.scoring import read_champions, score_company
from pipelines.source import open_company
from pipelines.training import train_one
from tests.integration.conftest import DEMO
from tests.integration.trained import PROVENANCE

Explain = Callable[..., tuple[int, str, str]]
WINDOW = 91


@pytest.fixture(scope="module")
def demo(demo_company: Path) -> Config:
    return read_config(DEMO, data=demo_company)


@pytest.fixture(scope="module")
def scored(demo: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both models in use, whatever the gate says of so small a company, and scores."""
    home = Home(tmp_path_factory.mktemp("explained"))
    source = open_company(demo, home)
    for name, dataset in build_datasets(source, slices=demo.slices).items():
        trained = train_one(dataset, demo)
        assert isinstance(trained, Trained)
        write_bundle(
            bundle_folder(home.folder, demo.company, name, "1"),
            predictor=trained.shipped.predictor,
            judged=trained.judged.predictor,
            card=describe(trained, PROVENANCE, version="1", thresholds=Thresholds(0.5, 0.2)),
            golden=trained.golden,
        )
        promote(home.folder, demo.company, name, "1")
    score_company(demo, source, home)
    return home.folder


@pytest.fixture
def explain(
    demo_company: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Explain:
    """Run ``keepwell explain`` on the demo company: exit code, stdout and stderr."""

    def run(home: Path, *options: str) -> tuple[int, str, str]:
        monkeypatch.setenv("KEEPWELL_HOME", str(home))
        given = ["--config", str(DEMO), "--data", str(demo_company), *options]
        monkeypatch.setattr(sys, "argv", ["keepwell", "explain", *given])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def ranking(home: Path) -> list[AccountScore]:
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        header = store.current()
        assert header is not None
        return store.ranking(header.snapshot_id, limit=1000)


def first_of(home: Path, basis: str | None, state: str | None = None) -> AccountScore:
    return next(s for s in ranking(home) if s.basis == basis and state in (None, s.state))


@pytest.mark.parametrize("basis", ["renewal", "churn"])
def test_the_sum_is_the_published_probability(explain: Explain, scored: Path, basis: str) -> None:
    score = first_of(scored, basis)
    code, out, _ = explain(scored, score.account_id, "--json")
    assert code == 0
    found: dict[str, Any] = json.loads(out)
    logs = found["sum"]["base_log_odds"] + math.fsum(d["contribution"] for d in found["drivers"])
    assert 1 / (1 + math.exp(-logs)) == pytest.approx(score.loss_probability, abs=1e-9)
    assert found["probability"] == pytest.approx(score.loss_probability, abs=1e-9)
    assert found["published"]["equal"] is True
    for parts in ("drivers", "groups"):
        points = found["sum"]["base_probability"] + math.fsum(d["points"] for d in found[parts])
        assert points == pytest.approx(score.loss_probability, abs=1e-9)
    assert found["model"]["name"] == basis
    assert found["model"]["first_as_of"] < found["model"]["last_as_of"] < found["as_of"]


def test_every_driver_says_how_it_comes_about(explain: Explain, scored: Path) -> None:
    score = first_of(scored, "renewal")
    _, out, _ = explain(scored, score.account_id, "--json")
    found = json.loads(out)
    fields = {"feature", "group", "text", "value", "unit", "previous", "peer_low", "peer_high"}
    fields |= {"direction", "contribution", "points", "meaning", "missing", "sql", "made_of"}
    for driver in found["drivers"]:
        assert set(driver) == fields
        assert all(name in driver["sql"] for name in driver["made_of"])
        assert driver["direction"] == ("raises" if driver["contribution"] > 0 else "lowers")
    plain = {d["feature"]: d for d in found["drivers"]}
    one = next(d for d in plain.values() if d["sql"] in d["made_of"])
    assert one["made_of"][one["sql"]] == pytest.approx(one["value"])
    for driver in score.drivers:
        assert plain[driver.feature]["previous"] == driver.previous
        assert plain[driver.feature]["peer_low"] == driver.peer_low
        assert plain[driver.feature]["points"] == driver.points


def test_the_page_shows_rows_values_and_the_sum_and_no_name_of_a_person(
    explain: Explain, scored: Path, demo_company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # a narrow page folds ids
    score = first_of(scored, "renewal")
    code, out, _ = explain(scored, score.account_id)
    assert code == 0
    for words in ("1. What was known before", "2. From the rows", "3. From the values", "4. The"):
        assert words in out
    assert out.count("(equal to 1e-9)") == 2
    users = pd.read_parquet(demo_company / "users.parquet", columns=["account_id", "name"])
    names = users["name"][users["account_id"] == score.account_id].dropna()
    assert len(names)
    assert not any(name in out for name in names)
    rows = pd.read_parquet(
        demo_company / "contracts.parquet", columns=["account_id", "contract_id"]
    )
    for contract in rows["contract_id"][rows["account_id"] == score.account_id]:
        assert contract in out


def test_an_account_with_nothing_left_to_predict_shows_its_state_and_rows(
    explain: Explain, scored: Path
) -> None:
    score = first_of(scored, None)
    assert score.state in ("notice_given", "renewed", "auto_renewed")
    code, out, _ = explain(scored, score.account_id)
    assert code == 0
    assert f"no probability: its state is {score.state.replace('_', ' ')}" in out
    assert "contracts:" in out


def test_without_a_model_the_state_and_the_rows_are_shown(
    explain: Explain, scored: Path, tmp_path: Path
) -> None:
    account = first_of(scored, "churn").account_id
    code, out, _ = explain(tmp_path / "new", account, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["probability"] is None
    assert found["reason"] == "no model is promoted yet: keepwell train"
    assert found["rows"]["contracts"]["rows"] >= 1
    assert found["account"]["state"]


def test_an_unknown_account_is_refused_with_the_closest_ids(explain: Explain, scored: Path) -> None:
    code, out, err = explain(scored, "a0001", "--json")
    assert code == 2
    (problem,) = json.loads(out)["problems"]
    assert problem["remedy"].startswith("did you mean A0")
    assert "did you mean A0" in err


def test_a_contract_that_is_not_up_is_refused_with_those_that_are(
    explain: Explain, scored: Path
) -> None:
    score = first_of(scored, "renewal")
    code, _, err = explain(scored, score.account_id, "--contract", "nothing")
    assert code == 2
    assert f"give {score.contract_id}" in err
    assert score.contract_id is not None
    code, out, _ = explain(scored, score.account_id, "--contract", score.contract_id, "--json")
    assert code == 0
    assert json.loads(out)["published"]["equal"] is True


def cards(home: Path, demo: Config) -> dict[ModelName, Card]:
    return {name: bundle.card for name, bundle in read_champions(Home(home), demo).items()}


def earliest_of(home: Path, demo: Config) -> date:
    """The day by which all was known that any judged copy learnt."""
    return max(card.judged_from for card in cards(home, demo).values() if card.judged_from)


def row_on(source: Source, model: ModelName) -> tuple[str, str | None, pd.DataFrame]:
    """A row of the day that the model speaks of: account, contract, features."""
    dataset = build_datasets(source, dates=[source.data_end])[model]
    states = read_states(source, source.data_end).set_index("account_id")
    mine = (states["due"] == (model == "renewal")) & states["state"].isin(STATES_AT_RISK)
    chosen = dataset.rows["account_id"].isin(states.index[mine]).to_numpy()
    row = int(np.flatnonzero(chosen)[0])
    account, contract = dataset.rows[["account_id", "contract_id"]].iloc[row]
    return account, contract if model == "renewal" else None, dataset.features.iloc[[row]]


@pytest.mark.parametrize("model", ["renewal", "churn"])
def test_a_past_date_is_explained_by_the_judged_copy_which_learnt_from_earlier_rows(
    explain: Explain, scored: Path, demo: Config, tmp_path: Path, model: ModelName
) -> None:
    card, day = cards(scored, demo)[model], earliest_of(scored, demo)
    account, contract, features = row_on(open_company(demo, Home(tmp_path), as_of=day), model)
    choice = ("--contract", contract) if contract else ()
    code, out, _ = explain(scored, account, "--as-of", str(day), *choice, "--json")
    assert code == 0
    found = json.loads(out)
    judged = read_judged(bundle_folder(scored, demo.company, model, "1"))
    assert judged is not None
    (expected,) = judged.probability(features)
    assert found["probability"] == pytest.approx(expected, abs=1e-9)
    assert (found["model"]["name"], found["model"]["copy"]) == (model, "judged")
    assert found["model"]["known_by"] == str(card.judged_from)
    assert found["model"]["last_as_of"] < found["model"]["known_by"] <= found["as_of"]
    assert found["model"]["rows"] < card.rows
    assert found["probability_interval"] is None
    assert found["account"]["risk_tier"] is None
    code, out, _ = explain(scored, account, "--as-of", str(day), *choice)
    assert code == 0
    first = " ".join(out.split("chance that")[0].split())
    assert f"by the judged copy of the {model} model, version 1" in first
    assert f"only from what was known by {card.judged_from}" in first


def test_a_probability_that_another_version_published_is_told_as_of_then(
    explain: Explain, scored: Path, demo: Config, tmp_path: Path
) -> None:
    home = tmp_path / "retrained"
    shutil.copytree(scored, home)
    for name in cards(home, demo):
        path = bundle_folder(home, demo.company, name, "1") / CARD_FILE
        later = {"version": "2", "data_end": "2026-11-15"}
        path.write_text(json.dumps(json.loads(path.read_text()) | later))
    score = first_of(home, "renewal")
    code, out, _ = explain(home, score.account_id, "--as-of", "2026-11-01")
    said = " ".join(out.split())
    assert code == 0
    assert "by the judged copy of the renewal model, version 2" in said
    assert (
        f"{score.loss_probability:.12f}, by version 1 of the model, which was in use then" in said
    )


def test_a_date_within_what_the_judged_copy_learnt_from_is_refused(
    explain: Explain, scored: Path, demo: Config
) -> None:
    earliest = earliest_of(scored, demo)
    day = earliest - timedelta(days=1)
    code, _, err = explain(scored, "A00001", "--as-of", str(day))
    said = " ".join(err.split())
    assert code == 2
    assert "was trained on what was known by 2026-11-01, and its judged copy" in said
    assert f"give {earliest} or later, the earliest date that can be explained" in said
    assert f"train with --as-of {day} in a KEEPWELL_HOME of its own" in said


def test_without_a_judged_copy_no_date_before_the_model_s_own_data_is_explained(
    explain: Explain, scored: Path, demo: Config, tmp_path: Path
) -> None:
    home = tmp_path / "old"
    shutil.copytree(scored, home)
    for name in read_champions(Home(home), demo):
        path = bundle_folder(home, demo.company, name, "1") / CARD_FILE
        card = json.loads(path.read_text())
        del card["files"][JUDGED_FILE]
        path.write_text(json.dumps(card))
    code, _, err = explain(home, "A00001", "--as-of", "2026-10-31")
    said = " ".join(err.split())
    assert code == 2
    assert "and holds no judged copy that knew less" in said
    assert "give 2026-11-01 or later" in said


def test_the_past_is_not_scored_by_what_explains_it(scored: Path, demo: Config) -> None:
    day = earliest_of(scored, demo)
    source = open_company(demo, Home(scored), as_of=day)
    with pytest.raises(InputError, match="the churn model was trained on what was known by"):
        score_company(demo, source, Home(scored))


def test_an_account_s_past_is_what_its_row_was_on_the_earlier_date(
    demo: Config, tmp_path: Path
) -> None:
    source = open_company(demo, Home(tmp_path))
    today: date = source.data_end
    both = build_datasets(source, dates=[today], past_days=WINDOW)
    earlier = build_datasets(source, dates=[today - timedelta(days=WINDOW)])["churn"]
    now = both["churn"]
    assert now.past is not None
    assert set(now.rows["as_of"]) == {pd.Timestamp(today)}
    keys = ["account_id", "contract_id"]
    place = {tuple(key): row for row, key in enumerate(earlier.rows[keys].to_numpy())}
    accounts = set(earlier.rows["account_id"])
    compared = 0
    for row, key in enumerate(now.rows[keys].to_numpy()):
        past = now.past.iloc[row]
        if key[0] not in accounts:
            assert past.isna().all()
        elif tuple(key) in place:
            then = earlier.features.iloc[place[tuple(key)]]
            pd.testing.assert_series_equal(past, then, check_names=False)
            compared += 1
    assert compared > 50
    assert 0 < np.mean(now.past.isna().all(axis=1)) < 0.5
