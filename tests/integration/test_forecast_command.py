"""``keepwell forecast``: a written company and the demo company, the whole way."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.due import read_book, read_past_terms
from pipelines.cli import main
from tests.integration.conftest import DEMO
from tests.written_company import Row, open_company

PAGE = Path(__file__).parents[2] / "docs" / "forecast.md"
Forecast = Callable[..., tuple[int, dict[str, Any], str]]  # Any: JSON
DATA_END = date(2026, 1, 1)


@pytest.fixture
def forecast(call: Callable[..., tuple[int, str, str]]) -> Forecast:
    """Run ``keepwell forecast --json`` on a configuration: exit code, document, stderr."""

    def run(config: dict[str, Any], *options: str) -> tuple[int, dict[str, Any], str]:
        code, out, err = call("forecast", config, *options)
        return code, json.loads(out), err

    return run


def contract(account: str, number: int, start: date, end: date, **cells: Any) -> Row:
    """A term with an ARR of 1,000."""
    return {
        "contract_id": f"{account}{number}",
        "account_id": account,
        "start_date": start,
        "end_date": end,
        "arr": 1000.0,
    } | cells


def test_the_book_holds_what_was_known_on_its_date(tmp_path: Path) -> None:
    year = date(2025, 3, 1), date(2026, 3, 1)
    rows = [
        contract("a", 1, *year),
        contract("a", 2, year[1], date(2027, 3, 1), arr=1200.0, signed_at=date(2025, 12, 1)),
        contract("b", 1, *year, notice_given_at=date(2025, 11, 1)),
        contract("c", 1, *year, auto_renew=True, notice_days=90),
        contract("d", 1, date(2025, 1, 1), date(2025, 12, 20)),
        contract("e", 1, *year, end_date=None),
        contract("f", 1, *year),
        contract("f", 2, date(2025, 10, 1), date(2026, 10, 1)),
        contract("g", 1, *year, arr=None),
    ]
    accounts = [
        {"account_id": name, "parent_id": "P" if name in "ab" else None} for name in "abcdefg"
    ]
    labels = {"renewal": {"grace_days": 30}}
    source = open_company(
        {"accounts": accounts, "contracts": rows}, spill=tmp_path, data_end=DATA_END, labels=labels
    )
    before, today = date(2025, 10, 1), DATA_END
    book = read_book(source, [before, today]).set_index(["as_of", "contract_id"])
    fates = {str(name): book.loc[str(today)]["fate"][name] for name in book.loc[str(today)].index}
    assert fates == {
        "a1": "renewed", "b1": "lost", "c1": "auto_renewed", "d1": "open", "e1": "no_end",
        "f1": "superseded", "f2": "open", "g1": "open",
    }  # fmt: skip
    assert book.loc[str(today)].loc["a1"]["next_arr"] == 1200.0
    assert book.loc[str(today)].loc["d1"]["days_past_end"] == 12
    assert list(book.loc[str(today)]["group_id"]) == ["P", "P", "c", "d", "e", "f", "f", "g"]
    # Neither successor nor notice was known then, and the second contract of f was not.
    assert dict(book.loc[str(before)]["fate"]) == {
        "a1": "open", "b1": "open", "c1": "open", "d1": "open", "e1": "no_end",
        "f1": "open", "g1": "open",
    }  # fmt: skip


def test_two_terms_that_go_on_in_one_share_its_money(tmp_path: Path) -> None:
    day, end = date(2024, 1, 1), date(2025, 1, 1)
    rows = [
        contract("a", 1, day, end, arr=1000.0),
        contract("a", 2, day, end, arr=3000.0),
        contract("a", 3, end, date(2026, 1, 1), arr=6000.0),
    ]
    source = open_company(
        {"accounts": [{"account_id": "a"}], "contracts": rows}, spill=tmp_path, data_end=DATA_END,
        labels={"renewal": {"grace_days": 30}},
    )  # fmt: skip
    past = read_past_terms(source).set_index("contract_id")
    assert list(past["change"][["a1", "a2"]]) == [1.5, 1.5]
    assert list(past["successor_id"][["a1", "a2"]]) == ["a3", "a3"]
    assert past["successor_id"]["a3"] is None


def test_the_demo_company_is_forecast_by_rates_and_the_page_explains_every_name(
    forecast: Forecast, config: dict[str, Any]
) -> None:
    code, found, err = forecast(config, "--quarters", "2")
    assert code == 0
    assert found["basis"] == "rates"
    assert "no renewal model is promoted" in found["basis_reason"]
    assert "forecast replayed as of" in err
    begins = [quarter["from"] for quarter in found["quarters"]]
    assert begins[0] == found["as_of"]
    for quarter in found["quarters"]:
        up, kept = quarter["arr_up_for_renewal"]["expected"], quarter["renewed_arr"]["expected"]
        gone = quarter["lost_arr"]["expected"] + quarter["contraction_arr"]["expected"]
        assert up == pytest.approx(kept + gone)
        grr = quarter["grr"]
        assert 0 <= grr["low_95"] <= grr["low_80"] <= grr["expected"] <= grr["high_80"]
        assert grr["high_80"] <= grr["high_95"] <= 1
    assert found["backtest"]["origins"] > 3
    assert all(0 <= row["coverage_80"] <= 1 for row in found["backtest"]["month_starts"])
    page = PAGE.read_text(encoding="utf-8")
    unknown = {name for name in _names(found) if f"`{name}`" not in page}
    assert not unknown


def _names(found: object) -> Iterator[str]:
    """Every key of a JSON document."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield name
            yield from _names(value)
    elif isinstance(found, list):
        for value in found:
            yield from _names(value)


def test_people_are_told_the_basis_first_and_the_definitions(
    home: Path,
    demo_company: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del home
    chosen = ["--config", str(DEMO), "--data", str(demo_company), "--quarters", "1"]
    monkeypatch.setattr(sys, "argv", ["keepwell", "forecast", *chosen])
    with pytest.raises(SystemExit) as ended:
        main()
    out = capsys.readouterr().out
    assert not ended.value.code
    assert out.startswith("forecast: rates of past terms only")
    assert "NRR = (renewed + expansion) / up for renewal" in out
    assert re.search(r"Few\s+quarters", out)


@pytest.mark.parametrize(
    ("replace", "said"),
    [
        ("NULL::DOUBLE AS arr", "no money is known"),
        ("NULL::DATE AS end_date", "has an agreed end"),
    ],
)
def test_what_no_forecast_can_be_made_of_is_refused(
    forecast: Forecast, replace: str, said: str
) -> None:
    days = [date(2024, 1, 1) + timedelta(days=30 * month) for month in range(20)]
    terms = " UNION ALL ".join(
        f"SELECT 'c{n}' AS contract_id, 'a' AS account_id, DATE '{day}' AS start_date, "
        f"DATE '{day + timedelta(days=30)}' AS end_date, 1000.0 AS arr"
        for n, day in enumerate(days)
    )
    config = {
        "config_version": 1,
        "company": "tiny",
        "tables": {
            "accounts": "SELECT 'a' AS account_id",
            "contracts": f"SELECT * REPLACE ({replace}) FROM ({terms})",
        },
        "time": {"data_end": "2025-08-10"},
    }
    code, found, err = forecast(config)
    assert code == 2
    assert said in err
    assert found["problems"][0]["remedy"]
