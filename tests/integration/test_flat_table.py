"""The whole way of a flat table: train, record, publish, serve."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.card import read_card
from models.champion import champion
from models.registry import champion_version
from models.store import SnapshotStore
from pipelines.cli import main
from serving.application import create_app
from serving.settings import Settings
from tests.flat_company import make_accounts, make_months
from tests.integration.client import ask

Train = Callable[..., tuple[int, str, str]]


@pytest.fixture
def train(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Train:
    """Run ``keepwell train --table`` on a frame: exit code, stdout and stderr."""
    del home

    def train(frame: pd.DataFrame, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "Our Customers.csv"
        frame.to_csv(path, index=False)
        arguments = ["train", "--table", str(path), "--label", "churned", *options]
        monkeypatch.setattr(sys, "argv", ["keepwell", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return train


def printed(found: tuple[int, str, str]) -> dict[str, Any]:
    """The JSON of a run that ended well."""
    code, out, err = found
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


def ranked(found: dict[str, Any]) -> int:
    """Accounts with a probability, and those whose interval is too wide for one."""
    return int(found["accounts_scored"]) + int(found["abstained"]["interval_too_wide"])


def test_an_undated_table_trains_and_serves_the_accounts_without_a_label(
    train: Train, home: Path
) -> None:
    frame = make_accounts().astype({"churned": float})
    frame.loc[:49, "churned"] = np.nan
    frame["segment"] = np.where(frame["plan"] == "pro", "large", "small")
    found = printed(train(frame, "--company", "acme", "--json"))
    churn = found["models"]["churn"]
    assert found["split"].startswith("the split cannot be temporal: Our Customers.csv has no date")
    assert churn["promoted"]
    assert churn["split"] == "accounts left out, not later in time"
    assert set(churn["slices"]["segment"]) == {"large", "small"}
    assert ranked(found) == 50
    folder = champion(home, "acme", "churn")
    assert folder is not None
    card = read_card(folder)
    assert card.metrics["split"] == "accounts left out, not later in time"
    assert card.rows == 350
    assert champion_version(home, "acme", "churn") == churn["version"] == card.version
    url = f"sqlite:///{home / 'store.db'}"
    with SnapshotStore(url) as store:
        scores = store.ranking(found["snapshot_id"], limit=100)
    assert {score.account_id for score in scores} == set(frame["account_id"][:50])
    vague = [score for score in scores if score.abstained is not None]
    assert len(vague) == found["abstained"]["interval_too_wide"] < 10
    for score in scores:
        if score.abstained is not None:
            continue
        assert score.loss_probability is not None
        assert score.loss_probability_interval is not None
        assert score.base_log_odds is not None
        assert score.arr is not None
        assert score.arr_at_risk == pytest.approx(score.arr * score.loss_probability)
        total = score.base_log_odds + math.fsum(score.contributions.values())
        odds = score.loss_probability / (1 - score.loss_probability)
        assert total == pytest.approx(math.log(odds), abs=1e-6)
    app = create_app(Settings(store_url=url))
    listed = ask(app, "/v1/accounts?limit=3").json()["accounts"]
    assert [item["account_id"] for item in listed] == [score.account_id for score in scores[:3]]
    answer = ask(app, f"/v1/accounts/{scores[0].account_id}/risk").json()
    texts = " ".join(driver["text"] for driver in answer["drivers"])
    assert "seats used is" in texts
    app.close()


def test_a_second_training_takes_the_place_of_a_champion_that_knew_the_same_accounts(
    train: Train, home: Path
) -> None:
    first = printed(train(make_accounts(), "--company", "acme", "--json"))
    columns = make_accounts().drop(columns="noise")
    second = printed(train(columns, "--company", "acme", "--json"))
    assert first["models"]["churn"]["version"] != second["models"]["churn"]["version"]
    reasons = " ".join(second["models"]["churn"]["reasons"])
    assert "rows without dates cannot be told to be later" in reasons
    assert champion_version(home, "acme", "churn") == second["models"]["churn"]["version"]


def test_the_model_card_claims_nothing_about_time(train: Train, home: Path) -> None:
    version = printed(train(make_accounts(), "--company", "acme", "--json"))
    folder = home / "reports" / "acme" / "churn" / version["models"]["churn"]["version"]
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    report = (folder / "report.html").read_text(encoding="utf-8")
    for page in (card, report):
        assert "the split cannot be temporal" in page
        assert "within as-of dates" not in page
    assert "That is for the table to answer" in card
    assert "tests change the future" not in card
    assert "accounts left out, not later in time" in card


def test_where_every_row_has_a_label_those_that_stayed_are_ranked_and_it_is_said(
    train: Train,
) -> None:
    frame = make_accounts()
    found = printed(train(frame, "--json"))
    assert ranked(found) == int((frame["churned"] == 0).sum())
    assert any("lean to the low side" in notice for notice in found["notices"])


def test_people_read_first_that_the_split_cannot_be_temporal_and_then_the_warnings(
    train: Train,
) -> None:
    frame = make_accounts().assign(months_active=np.arange(400) % 12, same=1)
    code, out, _ = train(frame)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("the split cannot be temporal")
    assert lines[1].startswith("warning: months_active: ")
    assert "accounts left out, not later in time" in out
    assert "our-customers as of" in out
    assert "notice: feature same is left out: the same in all 400 rows" in out


def test_a_dated_table_is_judged_on_later_dates_and_ranks_each_account_once(train: Train) -> None:
    frame = make_months().astype({"churned": float})
    frame.loc[frame["as_of"] == frame["as_of"].max(), "churned"] = np.nan
    found = printed(train(frame, "--horizon-days", "28", "--json"))
    churn = found["models"]["churn"]
    assert found["split"].startswith("the split is temporal")
    assert churn["split"] == "later in time"
    assert churn["test"]["first_as_of"] > churn["train"]["last_as_of"]
    assert churn["promoted"]
    assert found["as_of"] == "2025-10-01"
    assert ranked(found) == 120


def test_what_is_not_promoted_is_not_published(train: Train, home: Path) -> None:
    frame = make_accounts(signal=0.0)
    found = printed(train(frame, "--json"))
    assert found["models"]["churn"]["promoted"] is False
    assert found["snapshot_id"] is None
    assert any("no ranking is published" in notice for notice in found["notices"])
    assert not (home / "store.db").exists()


def test_one_class_is_a_readable_refusal_and_no_error(train: Train) -> None:
    found = printed(train(make_accounts().assign(churned=0), "--json"))
    assert "there is one class only" in found["models"]["churn"]["skipped"]


def test_bad_tables_change_nothing_and_end_with_2(train: Train, home: Path) -> None:
    frame = make_accounts().assign(status="active")
    frame.loc[0, "churned"] = 3
    code, out, err = train(frame, "--json")
    assert code == 2
    assert {problem["column"] for problem in json.loads(out)["problems"]} == {"churned", "status"}
    assert "--leave-out 'status'" in err
    assert not (home / "bundles").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give one of --config and --table"),
        (["--config", "a.yaml", "--table", "a.csv"], "give one of --config and --table"),
        (["--table", "a.csv"], "--table needs --label"),
        (["--table", "a.csv", "--label", "b", "--data", "c"], "--data belongs to --config"),
        (["--config", "a.yaml", "--arr-column", "mrr"], "--arr-column belongs to --table"),
        (["--table", "a.csv", "--label", "b", "--company", "Our Company"], "--company"),
        (["--table", "a.csv", "--label", "b", "--as-of", "2999-01-01"], "lies in the future"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    arguments: list[str],
    said: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del home
    monkeypatch.setattr(sys, "argv", ["keepwell", "train", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_column_that_equals_the_label_stops_the_promotion_and_is_named(
    train: Train, home: Path
) -> None:
    frame = make_accounts()
    frame["loyalty"] = 1 - frame["churned"]
    churn = printed(train(frame, "--company", "acme", "--json"))["models"]["churn"]
    assert churn["verdict"] == "a feature holds the answer: loyalty"
    assert churn["promoted"] is False
    assert champion(home, "acme", "churn") is None
