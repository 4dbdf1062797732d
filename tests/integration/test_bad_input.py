"""Bad input ends with exit code 2, one message per fault, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.store import SnapshotStore
from pipelines.last_verdict import ALL_THE_SAME
from tests.integration.company import due, snapshot
from tests.integration.conftest import Call, wrap

OWN = {
    "name": "reports",
    "unit": "reports",
    "meaning": "Reports.",
    "missing": "never",
    "sql": "value_actions(28)",
    "text": "{value}",
    "playbook": "review",
    "practice": "Reports.",
}
SPOILT: dict[str, tuple[Callable[[dict[str, Any]], None], tuple[str, ...]]] = {
    "a missing file": (
        lambda config: config["tables"].update(
            usage="SELECT account_id, ts, event FROM read_parquet('${data}/nowhere.parquet')"
        ),
        ("usage", "nowhere.parquet", "mend tables.usage"),
    ),
    "an empty table": (
        lambda config: wrap(config, "contracts", "SELECT * FROM {} LIMIT 0"),
        ("contracts", "is empty", "leave it out"),
    ),
    "a query error": (
        lambda config: wrap(config, "contracts", "SELECT nothing_like_it FROM {}"),
        ("contracts", "nothing_like_it", "mend tables.contracts"),
    ),
    "a duplicate contract id": (
        lambda config: wrap(
            config, "contracts", "SELECT * FROM {0} UNION ALL (SELECT * FROM {0} LIMIT 1)"
        ),
        ("contracts.contract_id", "2 rows", "C", "keep one row each"),
    ),
    "an end before a start": (
        lambda config: wrap(
            config,
            "contracts",
            "SELECT * REPLACE (CASE WHEN contract_id = (SELECT min(contract_id) FROM {0}) "
            "THEN start_date - 1 ELSE end_date END AS end_date) FROM {0}",
        ),
        ("contracts.end_date", "1 row", "must not be before start_date", "mend"),
    ),
    "a negative ARR": (
        lambda config: wrap(config, "contracts", "SELECT * REPLACE (-1 - arr AS arr) FROM {}"),
        ("contracts.arr", "rows", "must not be negative", "mend these values"),
    ),
    "an undeclared column": (
        lambda config: wrap(config, "accounts", "SELECT *, 'x' AS favourite_colour FROM {}"),
        ("accounts.favourite_colour", "is not a column", "declare it under attributes"),
    ),
    "a column that states the outcome": (
        lambda config: wrap(config, "accounts", "SELECT *, TRUE AS churned FROM {}"),
        ("accounts.churned", "states an outcome", "leave it out"),
    ),
    "a column read from the outcome": (
        lambda config: wrap(
            config, "accounts", "SELECT *, churned AS loyalty FROM (SELECT *, 1 AS churned FROM {})"
        ),
        ("accounts.loyalty", "is read from churned, which states an outcome", "leave it out"),
    ),
    "a column that holds the outcome": (
        lambda config: wrap(
            config,
            "accounts",
            """SELECT * REPLACE (CASE WHEN account_id IN (
                SELECT account_id FROM read_parquet('${{data}}/contracts.parquet') GROUP BY 1
                HAVING max(least(end_date, coalesce(terminated_at, end_date))) < DATE '2026-09-01')
                THEN 'gold' ELSE 'silver' END AS channel) FROM {}""",
        ),
        ("accounts.channel", "equals the label", "gold (", "leave it out of tables.accounts"),
    ),
    "an attribute that states the outcome": (
        lambda config: config["attributes"].update(Churned={"kind": "category"}),
        ("attributes.Churned", "states an outcome", "no feature may know the outcome"),
    ),
    "a measure that states the outcome": (
        lambda config: config["measures"].update(churn_flag={"kind": "level"}),
        ("measures.churn_flag", "states an outcome", "no feature may know the outcome"),
    ),
    "a feature that reads the outcome": (
        lambda config: config.update(features=[{**OWN, "sql": "attribute.churn_flag"}]),
        ("features.0.sql", "attribute.churn_flag states an outcome", "docs/features.md"),
    ),
    "a feature that is named after the outcome": (
        lambda config: config.update(features=[{**OWN, "name": "has_churned"}]),
        ("features.0.name", "states an outcome", "name it by what is known beforehand"),
    ),
    "a date that does not parse": (
        lambda config: wrap(
            config, "contracts", "SELECT * REPLACE ('31/31/2025' AS start_date) FROM {}"
        ),
        ("contracts.start_date", "must be a date", "31/31/2025", "mend these values"),
    ),
    "usage of unknown accounts": (
        lambda config: wrap(
            config, "usage", "SELECT * REPLACE ('X' || account_id AS account_id) FROM {}"
        ),
        ("usage.account_id", "rows", "XA", "more than half of the usage"),
    ),
    "an unknown key": (
        lambda config: config["labels"].update(horizon=90),
        ("labels.horizon", "is no key of the configuration", "docs/config.md"),
    ),
    "a label without its table": (
        lambda config: config["tables"].pop("contracts"),
        ("labels.churn.by", "there is no table contracts", "add tables.contracts"),
    ),
    "a currency without a rate": (
        lambda config: config["tables"].pop("rates"),
        ("contracts.currency", "rows", "EUR", "add tables.rates"),
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_bad_input_is_named_with_its_place_and_remedy(
    name: str, config: dict[str, Any], run: Call, home: Path
) -> None:
    spoil, expected = SPOILT[name]
    store_url = f"sqlite:///{home / 'store.db'}"
    home.mkdir()
    with SnapshotStore(store_url) as store:
        before = store.publish(snapshot(due("A1", 0.5)))
    spoil(config)
    code, out, err = run(config)
    assert code == 2
    for part in expected:
        assert part in err
    assert "Traceback" not in err
    problems = json.loads(out)["problems"]
    assert all(problem["remedy"] for problem in problems)
    assert not (home / "mlflow").exists()
    assert not (home / "bundles").exists()
    with SnapshotStore(store_url) as store:
        header = store.current()
    assert header is not None
    assert header.snapshot_id == before


def test_all_problems_are_reported_at_once(config: dict[str, Any], run: Call, home: Path) -> None:
    del home
    wrap(config, "contracts", "SELECT * REPLACE (-1 - arr AS arr) FROM {}")
    wrap(config, "accounts", "SELECT *, 'x' AS favourite_colour FROM {}")
    wrap(config, "users", "SELECT * EXCLUDE (user_id) FROM {}")
    code, out, _ = run(config)
    found = {(p["table"], p["column"]) for p in json.loads(out)["problems"]}
    assert code == 2
    assert found >= {
        ("contracts", "arr"),
        ("accounts", "favourite_colour"),
        ("users", "user_id"),
    }


def test_rows_of_a_few_unknown_accounts_are_left_out_and_counted(
    config: dict[str, Any], check: Call
) -> None:
    wrap(
        config,
        "usage",
        "SELECT * REPLACE (CASE WHEN account_id = 'A00001' THEN 'X1' ELSE account_id END "
        "AS account_id) FROM {}",
    )
    code, out, _ = check(config)
    (problem,) = [p for p in json.loads(out)["problems"] if p["action"] == "quarantine"]
    assert code == 0
    assert problem["table"] == "usage"
    assert problem["examples"] == ["X1"]
    assert problem["rows"] > 0


def test_too_few_losses_skip_the_model_with_a_reason_and_exit_code_0(
    config: dict[str, Any], call: Callable[..., tuple[int, str, str]]
) -> None:
    never = ", ".join(f"NULL::DATE AS {name}" for name in ("end_date", "terminated_at"))
    wrap(config, "contracts", f"SELECT * REPLACE ({never}) FROM {{}}")
    code, out, _ = call("run", config)
    models = json.loads(out)["models"]
    assert code == 0
    assert "one class" in models["churn"]["skipped"]
    assert models["renewal"]["skipped"]
    code, out, _ = call("score", config)
    assert code == 0
    assert json.loads(out)["notices"] == [
        f"no churn model: {models['churn']['skipped']}",
        f"no renewal model: {models['renewal']['skipped']}",
        ALL_THE_SAME,
    ]


def test_what_the_environment_holds_for_a_query_is_not_shown(
    config: dict[str, Any], run: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "correct-horse")
    config["tables"]["usage"] = "SELECT * FROM read_csv('${data}/${WAREHOUSE_PASSWORD}.csv')"
    code, out, err = run(config)
    assert code == 2
    assert "${WAREHOUSE_PASSWORD}" in err
    assert "correct-horse" not in out + err


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (lambda config: config.update(slices=["segmnet"]), "slices.segmnet"),
        (
            lambda config: config["attributes"].update(chanel={"kind": "category"}),
            "attributes.chanel",
        ),
        (lambda config: config.update(labels={"churn": None}), "labels"),
    ],
)
def test_a_slip_in_a_name_is_said_with_what_there_is(
    spoil: Callable[[dict[str, Any]], None], key: str, config: dict[str, Any], run: Call
) -> None:
    spoil(config)
    code, out, _ = run(config)
    assert code == 2
    assert key in {problem["column"] for problem in json.loads(out)["problems"]}


@pytest.mark.parametrize("day", ["2020-01-01", "2031-01-01"])
def test_a_date_without_customers_publishes_nothing(
    day: str, config: dict[str, Any], home: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = call("score", config, "--as-of", day)
    assert code == 2
    assert day in err
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        assert store.current() is None
