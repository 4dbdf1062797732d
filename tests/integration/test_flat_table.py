"""The whole way of a flat table: train, record, publish, serve."""

from __future__ import annotations

import html
import json
import math
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
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
Keepwell = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keepwell(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Keepwell:
    """Run a command: exit code, stdout and stderr."""
    del home

    def keepwell(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["keepwell", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return keepwell


@pytest.fixture
def train(keepwell: Keepwell, tmp_path: Path) -> Train:
    """Run ``keepwell train --table`` on a frame: exit code, stdout and stderr."""

    def train(frame: pd.DataFrame, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "Our Customers.csv"
        frame.to_csv(path, index=False)
        return keepwell("train", "--table", str(path), "--label", "churned", *options)

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


def test_what_may_be_a_survival_time_is_warned_of_wherever_the_model_is_read_about(
    train: Train, home: Path
) -> None:
    frame = make_accounts().assign(months_active=np.arange(400) % 12)
    found = printed(train(frame, "--company", "acme", "--json"))
    churn = found["models"]["churn"]
    (warning,) = found["warnings"]
    assert warning.startswith("months_active: by its name")
    assert found["notices"][0] == churn["notices"][0] == warning
    folder = home / "reports" / "acme" / "churn" / churn["version"]
    card = (folder / "model_card.md").read_text(encoding="utf-8")
    report = html.unescape((folder / "report.html").read_text(encoding="utf-8"))
    for page, later in ((card, "## Intended use"), (report, "What it predicts")):
        assert page.count(warning) == 1
        assert page.index(warning) < page.index(later)


def test_no_date_is_made_up_for_a_table_without_dates(train: Train, home: Path) -> None:
    found = printed(train(make_accounts(), "--company", "acme", "--json"))
    churn, unknown = found["models"]["churn"], {"first_as_of": None, "last_as_of": None}
    assert found["as_of"] is None
    assert churn["train"].items() >= unknown.items() <= churn["test"].items()
    folder = home / "reports" / "acme" / "churn" / churn["version"]
    for name in ("model_card.md", "report.html"):
        page = (folder / name).read_text(encoding="utf-8")
        assert "on a table without dates: the split cannot be temporal" in page
        made_at = re.findall(r"[Tt]rained \d{4}-\d\d-\d\d \d\d:\d\d|<title>.*</title>", page)
        assert len(re.findall(r"\b20\d\d-\d\d-\d\d\b", page)) == len(made_at)
        assert not re.search(r"known before \d|0 days|as-of date[^s ]", page)
    bundle = champion(home, "acme", "churn")
    assert bundle is not None
    card = read_card(bundle)
    dates = (card.first_as_of, card.last_as_of, card.data_end, card.judged_from)
    assert (*dates, card.horizon_days, card.lead_days) == (None,) * 6
    app = create_app(Settings(store_url=f"sqlite:///{home / 'store.db'}"))
    page = ask(app, "/v1/accounts?limit=1").json()
    assert (page["as_of"], page["data_end"]) == (None, None)
    assert page["models"]["churn"]["horizon_days"] is None
    assert page["models"]["churn"]["lead_days"] is None
    assert ask(app, "/readyz").json()["as_of"] is None
    app.close()


def test_what_was_said_about_time_is_told(train: Train, home: Path) -> None:
    options = ("--as-of", "2025-06-01", "--horizon-days", "90", "--company", "acme", "--json")
    found = printed(train(make_accounts(), *options))
    churn = found["models"]["churn"]
    assert found["as_of"] == churn["test"]["first_as_of"] == "2025-06-01"
    bundle = champion(home, "acme", "churn")
    assert bundle is not None
    assert (read_card(bundle).horizon_days, read_card(bundle).lead_days) == (90, 0)


def test_a_dated_table_may_follow_one_without_dates(train: Train) -> None:
    printed(train(make_accounts(), "--company", "acme", "--json"))
    frame = make_months().astype({"churned": float})
    frame.loc[frame["as_of"] == frame["as_of"].max(), "churned"] = np.nan
    options = (
        "--company",
        "acme",
        "--horizon-days",
        "28",
        "--json",
        "--force",
    )  # others, and fewer
    found = printed(train(frame, *options))
    assert found["as_of"] == "2025-10-01"


def test_a_table_is_found_in_the_data_folder(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del home
    (tmp_path / "data" / "sub").mkdir(parents=True)
    make_accounts(accounts=40).to_csv(tmp_path / "data" / "sub" / "a.csv", index=False)
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "--table", "sub/a.csv", "--label", "churned", "--json"]
    for more, folder in (([], str(tmp_path / "data")), (["--data", "data"], "")):
        monkeypatch.setenv("KEEPWELL_DATA", folder)
        monkeypatch.setattr(sys, "argv", ["keepwell", *arguments, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code in (0, None)
        assert "skipped" in json.loads(capsys.readouterr().out)["models"]["churn"]


def test_an_account_is_explained_as_it_was_published(
    train: Train, keepwell: Keepwell, home: Path
) -> None:
    found = printed(train(make_accounts(), "--company", "acme", "--json"))
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        (first,) = store.ranking(found["snapshot_id"], limit=1)
    account = first.account_id
    told = printed(keepwell("explain", account, "--company", "acme", "--json"))
    assert told["probability"] == first.loss_probability
    parts = [driver["contribution"] for driver in told["drivers"]]
    total = told["base_log_odds"] + math.fsum((*parts, told["others"]["contribution"]))
    assert 1 / (1 + math.exp(-total)) == pytest.approx(told["probability"], abs=1e-6)
    points = math.fsum([d["points"] for d in told["drivers"]] + [told["others"]["points"]])
    assert told["base_probability"] + points == pytest.approx(told["probability"], abs=1e-9)
    assert told["as_of"] is None
    code, out, _ = keepwell("explain", account, "--company", "acme")
    assert code == 0
    assert f"{account}, acme, a table without dates" in out
    assert "all other columns" in out
    for arguments, said in (
        (["A9999", "--company", "acme"], "A9999 is not among the"),
        (["A0001", "--company", "other"], "name one of acme"),
        (["A0001", "--company", "acme", "--as-of", "2025-01-01"], "--as-of belongs to --config"),
        (["A0001"], "give one of --config and --company"),
    ):
        code, _, err = keepwell("explain", *arguments)
        assert code == 2
        assert said in err


def test_a_rollback_serves_the_ranking_of_the_version_before_again(
    train: Train, keepwell: Keepwell, home: Path
) -> None:
    first = printed(train(make_accounts(), "--company", "acme", "--json"))
    second = printed(train(make_accounts(), "--company", "acme", "--json"))
    assert first["snapshot_id"] != second["snapshot_id"]
    command = ("rollback", "--company", "acme", "--model", "churn")
    back = printed(keepwell(*command, "--json"))
    assert back == {
        "company": "acme",
        "model": "churn",
        "version": first["models"]["churn"]["version"],
        "snapshot_id": first["snapshot_id"],
    }
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        header = store.current()
    assert header is not None
    assert header.snapshot_id == first["snapshot_id"]
    assert champion_version(home, "acme", "churn") == back["version"]
    code, _, err = keepwell(*command)
    assert code == 2
    assert "no earlier champion" in err
    code, _, err = keepwell("rollback", "--company", "../acme", "--model", "churn")
    assert code == 2
    assert "no model of ../acme was ever recorded" in err


def test_where_every_row_has_a_label_those_that_stayed_are_ranked_and_it_is_said(
    train: Train,
) -> None:
    frame = make_accounts()
    found = printed(train(frame, "--json"))
    assert ranked(found) == int((frame["churned"] == 0).sum())
    assert any("lean to the low side" in notice for notice in found["notices"])


def test_people_read_the_verdict_and_that_the_split_cannot_be_temporal_and_the_warnings(
    train: Train,
) -> None:
    frame = make_accounts().assign(months_active=np.arange(400) % 12, same=1)
    code, out, _ = train(frame)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "churn: better than chance"
    place = next(i for i, line in enumerate(lines) if line.startswith("the split cannot be"))
    assert lines[place + 1].startswith("warning: months_active: ")
    assert place < next(i for i, line in enumerate(lines) if "test rows" in line)
    assert "accounts left out, not later in time" in out
    assert "our-customers, a table without dates: " in out
    assert f"{datetime.now(UTC):%Y-}" not in out
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
        (["--table", "a.csv", "--label", "b", "--data", "c"], "c/a.csv"),
        (["--config", "a.yaml", "--replace"], "--replace belongs to --table"),
        (["--config", "a.yaml", "--force"], "--force belongs to --table"),
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


def test_a_model_trained_again_on_the_same_dated_table_takes_the_place_of_its_twin(
    train: Train,
) -> None:
    """The champion also learnt from the rows of the last date: they must not judge it."""
    frame = make_months()
    printed(train(frame, "--json"))
    second = printed(train(frame, "--json"))["models"]["churn"]
    assert second["champion"]["difference"] == 0.0
    assert second["promoted"]
