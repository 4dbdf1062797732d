"""``keepwell features``: the list, the SQL that computes them, and rows for a notebook."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlglot
from sqlglot import exp

from features.catalogue import read_templates
from features.dataset import build_datasets
from pipelines.cli import main
from pipelines.config import read_config
from pipelines.home import Home
from pipelines.source import open_company
from tests.integration.conftest import DEMO

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def features(
    home: Path,
    demo_company: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run ``keepwell features`` on the demo company: exit code, stdout and stderr."""
    del home

    def run(*options: str, company: bool = True) -> tuple[int, str, str]:
        chosen = ["--config", str(DEMO), "--data", str(demo_company)] if company else []
        monkeypatch.setattr(sys, "argv", ["keepwell", "features", *chosen, *options])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_without_a_company_the_whole_catalogue_is_listed(features: Run) -> None:
    code, out, _ = features(company=False)
    assert code == 0
    assert all(f"  {template.name} " in out for template in read_templates())
    code, out, _ = features("--json", company=False)
    listed = json.loads(out)["features"]
    assert [feature["name"] for feature in listed] == [t.name for t in read_templates()]
    assert {"group", "unit", "meaning", "missing", "sql"} <= listed[0].keys()


def test_the_list_of_a_company_stands_under_its_groups_with_what_is_left_out(features: Run) -> None:
    code, out, _ = features()
    found = json.loads(features("--json")[1])
    assert code == 0
    groups = {feature["group"] for feature in found["features"]}
    for group in groups:
        members = [f["name"] for f in found["features"] if f["group"] == group]
        block = out.split(f"{group} ({len(members)})\n")[1].split("\n\n")[0]
        assert [line.split()[0] for line in block.strip().splitlines()] == members
    for name, reason in found["left_out"].items():
        assert any(reason in line and name in line for line in out.splitlines())


def test_the_sql_that_is_printed_parses_and_selects_every_feature(features: Run) -> None:
    code, out, _ = features("--sql")
    assert code == 0
    statements = [tree for tree in sqlglot.parse(out, dialect="duckdb") if tree is not None]
    listed = json.loads(features("--json")[1])["features"]
    query = statements[-1]
    assert isinstance(query, exp.Select)
    assert query.named_selects == [
        *("account_id", "contract_id", "as_of"),
        *(feature["name"] for feature in listed),
    ]
    made = {made.this.name for made in statements if isinstance(made, exp.Create)}
    assert {table.name for table in query.find_all(exp.Table)} - made == {"row_key"}
    with duckdb.connect() as connection:
        assert len(connection.extract_statements(out)) == len(statements)
    assert json.loads(features("--sql", "--json")[1]) == {"sql": out.removesuffix("\n")}


def test_the_export_holds_the_rows_that_a_model_sees(
    features: Run, demo_company: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rows"
    code, out, err = features("--export", str(folder), "--as-of", "2026-06-01", "--json")
    assert code == 0
    assert "writing churn.parquet" in err
    written = json.loads(out)["exported"]
    assert sorted(path.name for path in folder.iterdir()) == ["churn.parquet", "renewal.parquet"]
    config = read_config(DEMO, data=demo_company)
    source = open_company(config, Home.from_environment(), as_of=date(2026, 6, 1))
    datasets = build_datasets(source, slices=config.slices)
    source.connection.close()
    for name, dataset in datasets.items():
        table = pq.read_table(folder / f"{name}.parquet")
        names = table.column_names
        assert names[:6] == [
            *("account_id", "contract_id", "as_of", "label", "label_known_at", "arr")
        ]
        assert names[6:8] == ["slice_segment", "slice_billing_period_months"]
        assert set(names[8:]) | {"arr"} == set(dataset.catalogue.groups)
        assert len(set(names)) == len(names)
        assert written[name]["rows"] == table.num_rows == len(dataset.rows)
        assert str(table.schema.field("as_of").type) == "date32[day]"
        assert table["label"].null_count == int(dataset.rows["label"].isna().sum()) > 0
        frame = table.to_pandas()
        feature = "events_28d"
        assert frame[feature].tolist() == dataset.features[feature].tolist()
        assert max(table["as_of"].to_pylist()) <= date(2026, 6, 1)


def test_an_export_replaces_an_earlier_one_and_nothing_else(features: Run, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "churn.parquet").write_text("an earlier one", encoding="utf-8")
    assert features("--export", str(folder))[0] == 0
    assert pq.read_metadata(folder / "churn.parquet").num_rows > 0
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    before = (folder / "churn.parquet").stat().st_mtime_ns
    code, _, err = features("--export", str(folder))
    assert code == 2
    assert "--export: must be a new folder, an empty one, or one of an earlier export" in err
    assert "thesis.txt" in err
    assert (folder / "churn.parquet").stat().st_mtime_ns == before
    file = tmp_path / "file"
    file.write_text("", encoding="utf-8")
    code, _, err = features("--export", str(file))
    assert code == 2
    assert "--export: must be a folder" in err


@pytest.mark.parametrize(
    ("options", "company", "said"),
    [
        (("--sql",), False, "--sql: needs the tables of a company"),
        (("--export", "rows"), False, "--export: needs the tables of a company"),
        (("--sql", "--export", "rows"), True, "--sql and --export do not go together"),
        (("--markdown",), True, "--markdown: prints the page of the whole catalogue"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    features: Run, options: tuple[str, ...], company: bool, said: str
) -> None:
    code, out, err = features(*options, company=company)
    assert code == 2
    assert said in err
    assert not out
