"""A user's own features: entries in the configuration or in a file, refused when they are wrong."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from features.catalogue import build_catalogue, read_templates
from features.dataset import build_datasets
from features.errors import InputError
from features.need import SAMPLE
from features.own import own_faults
from features.schema import TABLES
from pipelines.config import Config, read_config
from pipelines.home import Home
from pipelines.source import model_table, open_company

PAGE = (Path(__file__).parents[2] / "docs" / "config.md").read_text(encoding="utf-8")
SECTION = PAGE.split("\n## Your own features\n")[1].split("\n## ")[0]
IN_CONFIG, IN_FILE = re.findall(r"```yaml\n(.*?)```", SECTION, flags=re.DOTALL)
COLUMNS = {name: frozenset(c.name for c in table.columns) for name, table in TABLES.items()}
Entry = dict[str, Any]  # Any: YAML


def entry(**keys: object) -> Entry:
    """An entry that is valid but for these keys."""
    valid = yaml.safe_load(IN_FILE)[0]
    return {key: value for key, value in {**valid, **keys}.items() if value is not None}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the tables of the page's company."""
    for name, text in re.findall(
        r"^`(\w+\.csv)`\n```csv\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL
    ):
        text = text.replace("2025-02-01,,50", "2026-03-01,,50")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def configure(folder: Path, features: object, **keys: object) -> Config:
    """The page's company with features of its own."""
    text = re.findall(r"^`acme.yaml`\n```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)[0]
    path = folder / "acme.yaml"
    raw = yaml.safe_load(text) | {"data": ".", "features": features} | keys
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return read_config(path)


def faults_of(folder: Path, *features: object, **keys: object) -> list[str]:
    """What is said of these entries, without the remedies."""
    with pytest.raises(InputError) as caught:
        configure(folder, list(features), **keys)
    return [str(problem).split(";")[0] for problem in caught.value.problems]


def test_the_example_of_the_page_gives_these_features(folder: Path) -> None:
    (folder / "ours.yaml").write_text(IN_FILE, encoding="utf-8")
    config = configure(folder, yaml.safe_load(IN_CONFIG)["features"])
    source = open_company(config, Home(folder / "home"))
    datasets = build_datasets(source, dates=[date(2025, 4, 20)])
    source.connection.close()
    churn = datasets["churn"]
    assert churn.rows["account_id"].tolist() == ["1", "2"]
    assert churn.features["reports_per_seat_28d"].tolist() == [0.0, 0.5]
    assert churn.features["reports_per_seat_91d"].tolist() == [0.2, 0.5]
    assert churn.features["small_account"].tolist() == [1.0, 1.0]
    groups = churn.catalogue.groups
    assert groups["reports_per_seat_7d"] == "own"
    assert groups["small_account"] == "terms"


def test_a_feature_that_is_in_no_model_is_computed_and_no_model_sees_it(folder: Path) -> None:
    config = configure(folder, [entry(in_models=False)])
    source = open_company(config, Home(folder / "home"))
    churn = build_datasets(source, dates=[date(2025, 4, 20)])["churn"]
    source.connection.close()
    table = model_table(churn, config)
    assert churn.features["small_account"].tolist() == [1.0, 1.0]
    assert "small_account" not in {*table.features, *table.traits}


def test_what_is_kept_with_a_model_holds_the_entries_of_files_too(folder: Path) -> None:
    (folder / "ours.yaml").write_text(IN_FILE, encoding="utf-8")
    kept = yaml.safe_load(configure(folder, ["ours.yaml"]).to_yaml())
    assert [feature["name"] for feature in kept["features"]] == ["small_account"]


def test_an_own_feature_whose_table_is_missing_is_left_out_with_the_reason(folder: Path) -> None:
    config = configure(folder, [entry(sql="ticket.open + account_contract.seats")])
    catalogue = build_catalogue(config, {**COLUMNS, "accounts": frozenset({"account_id"})})
    assert "small_account" in catalogue.groups
    without = {name: columns for name, columns in COLUMNS.items() if name != "tickets"}
    assert build_catalogue(config, without).left_out["small_account"] == "no table tickets"


def test_what_the_catalogue_itself_does_an_own_feature_may_do_too() -> None:
    shipped = tuple(
        template.model_copy(update={"name": f"my_{template.name}", "group": "own"})
        for template in read_templates()
    )
    assert own_faults(SAMPLE.model_copy(update={"features": shipped})) == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sql": "events(28"}, "features.0.sql: must be one expression of SQL"),
        ({"sql": "events(28), 1"}, "features.0.sql: must be one expression of SQL"),
        ({"sql": "1; DROP TABLE accounts"}, "features.0.sql: must be one expression of SQL"),
        ({"sql": "1 FROM accounts"}, "features.0.sql: must be one expression of SQL"),
        ({"sql": "(SELECT 1)"}, "features.0.sql: holds a subquery"),
        ({"sql": "sum(events(28))"}, "features.0.sql: aggregates over rows"),
        ({"sql": "events(28) + random()"}, "features.0.sql: is random"),
        ({"sql": "date_diff('day', DATE '2025-01-01', current_date)"}, "asks for today"),
        ({"sql": "getenv('HOME')"}, "features.0.sql: calls getenv(), which is no primitive"),
        ({"sql": "unnest([1, 2])"}, "features.0.sql: gives several rows"),
        ({"sql": "*"}, "features.0.sql: "),
        ({"sql": "events(28) AS use"}, "features.0.sql: cannot be computed"),
        ({"sql": "'gold'"}, "features.0.sql: cannot be computed"),
        ({"sql": "read_csv('/etc/hosts')"}, "features.0.sql: "),
        ({"sql": "events"}, "features.0.sql: names events, which is no primitive"),
        ({"sql": "contract.colour"}, "features.0.sql: there is no contract.colour"),
        ({"sql": "attribute.colour"}, "attribute.colour is not declared under attributes"),
        ({"sql": "events('28')"}, "features.0.sql: events() takes a length"),
        ({"sql": "events()"}, "features.0.sql: events() takes a length"),
        ({"sql": "events(1, 2, 3)"}, "features.0.sql: events() takes a length"),
        ({"sql": "days_since_use(7)"}, "features.0.sql: days_since_use() takes no length"),
        ({"sql": "event_used('dance', 28)"}, "event_used() must name one of save_report, view_r"),
        ({"sql": "measure_last('gb')"}, "measure_last() must name one of nothing declared"),
        ({"sql": "substr(events(28))"}, "features.0.sql: cannot be computed: Binder Error"),
        ({"name": "two words"}, "features.0.name: must give names of letters, digits and"),
        ({"name": "x_{m}"}, "features.0.name: must give names of letters, digits and"),
        ({"name": "Events_28d"}, "features.0.name: Events_28d is taken"),
        ({"name": "as_of"}, "features.0.name: as_of is taken"),
        ({"group": "a b"}, "features.0.group: must be letters, digits and underscores"),
        ({"unit": None}, "features.0.unit: Field required"),
        ({"colour": "red"}, "features.0.colour: is no key of the configuration"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_place(folder: Path, keys: Entry, said: str) -> None:
    (fault,) = faults_of(folder, entry(**keys))
    assert said in fault


def test_every_fault_of_every_entry_is_said_at_once(folder: Path) -> None:
    file = yaml.safe_dump([entry(), entry(name="other", sql="nothing(1)")])
    (folder / "ours.yaml").write_text(file, encoding="utf-8")
    faults = faults_of(folder, entry(sql="1 +"), "ours.yaml", "nowhere.yaml")
    assert [fault.partition(": ")[0] for fault in faults] == [
        "config.features.2",
        "config.features.0.sql",
        "config.features.1 (ours.yaml).0.name",
        "config.features.1 (ours.yaml).1.sql",
    ]
    assert "nowhere.yaml does not exist" in faults[0]
    assert "small_account is taken" in faults[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: x", "ours.yaml must be a list of entries"),
        ("- [", "ours.yaml is no valid YAML"),
        ("- {name: x}", "config.features.0 (ours.yaml).0.unit: Field required"),
    ],
)
def test_a_file_that_holds_no_entries_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "ours.yaml").write_text(text, encoding="utf-8")
    assert any(said in fault for fault in faults_of(folder, "ours.yaml"))


@pytest.mark.parametrize("key", ["owner", "accounts.owner", "name", "external_id"])
def test_what_names_somebody_is_no_feature_even_when_it_is_declared(folder: Path, key: str) -> None:
    attributes = {key: {"kind": "category", "constant": True}}
    config = configure(folder, [], attributes=attributes)
    catalogue = build_catalogue(config, COLUMNS)
    assert catalogue.left_out[key] == "names a person or an account"
    assert key.split(".")[-1] not in catalogue.groups
