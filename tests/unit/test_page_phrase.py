"""What the pages say of features in Chinese: all of it, and with nothing left to fill in."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import Feature, read_templates
from features.entry import Template
from features.phrase import AS_GIVEN, ATTRIBUTE_TEXTS, COLUMN_TEXTS, Phrases, fill_places
from features.wording import describe
from pipelines.page import collect_phrases
from serving.page_language import load_languages
from serving.page_phrase import Phrasebook
from tests.unit.test_health_of_customers import CATALOGUE, dataset, population

COLON = "\N{FULLWIDTH COLON}"
CHINESE = load_languages()["zh"]
PLACES = {
    "{w}": "28", "{m}": "storage_gb", "{m_unit}": "GB", "{module}": "reporting",
    "{event}": "export", "{features}": "9", "{modules}": "4", "{core}": "3",
}  # fmt: skip
VALUES = (None, 0.0, 1.0, -3.5, 0.4, 12_345.0, 1e12, "mid")
HAN = re.compile(r"[\u4e00-\u9fff]")


class Told(NamedTuple):
    """A driver or a factor, as far as its words go."""

    feature: str
    value: float | str | None


def phrases_of(template: Template, **filled: str) -> Phrases:
    texts = {name: getattr(template, name) for name in Phrases._fields[:-1]}
    return Phrases(**texts, filled=PLACES | {f"{{{name}}}": text for name, text in filled.items()})


def book(phrases: Phrases, feature: str = "f") -> Phrasebook:
    return Phrasebook({feature: phrases.to_json()}, CHINESE, "EUR")


def entries() -> list[Template]:
    return list(read_templates())


@pytest.mark.parametrize("template", entries(), ids=lambda one: f"{one.group}-{one.name}")
def test_every_text_of_a_shipped_entry_has_a_chinese_message(template: Template) -> None:
    phrases = phrases_of(template)
    for name in Phrases._fields[:-1]:
        text = getattr(phrases, name)
        if text and text not in PLACES:
            translated = CHINESE.translate(text)
            assert translated is not None, text
            assert HAN.search(translated), translated


@pytest.mark.parametrize("template", entries(), ids=lambda one: f"{one.group}-{one.name}")
def test_a_text_has_no_placeholder_left_in_either_language(template: Template) -> None:
    phrases = phrases_of(template)
    filled = {name: phrases.fill(getattr(phrases, name)) for name in Phrases._fields[:-1]}
    feature = cast(Feature, SimpleNamespace(**filled))
    told = book(phrases)
    assert "{" not in f"{told.mean('f')}{told.name('f')}"
    for value in VALUES:
        english, chinese = describe(feature, value, currency="EUR"), told.tell(Told("f", value))
        assert chinese is not None
        assert "{" not in english + chinese


@given(st.text(max_size=30), st.sampled_from([None, 1.0, 0.4]))
def test_a_name_of_the_company_stays_as_it_is_written(name: str, value: float | None) -> None:
    template = next(one for one in entries() if one.name == "{module}_change_28d")
    told = book(phrases_of(template, module=name)).tell(Told("f", value))
    assert told is not None
    assert name in told


@given(st.text(), st.text())
def test_what_is_filled_in_is_never_read_as_a_placeholder(one: str, other: str) -> None:
    assert fill_places("{a}·{b}", {"{a}": one, "{b}": other}) == f"{one}·{other}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("stage", "renewal", "处于续约期"),
        ("segment", "renewal", f"细分{COLON}renewal"),
        ("login_ratio_{w}d", 0.4, "28 天内席位使用率 40%"),
        ("auto_renew", 1.0, f"自动续约{COLON}是"),
        ("arr", 12_345.0, "当前 ARR €1.23万"),
        ("discount_change", -0.05, "折扣幅度下降 5 个百分点"),
        ("events_change_28d", -0.62, "使用量较此前 28 天 -62%"),
        ("nps_latest", None, "没有 NPS 答复"),
        ("events_{w}d", None, "过去 28 天的使用事件数未知"),
        ("tickets_open", 0.0, "未解决的工单 0 张"),
    ],
)
def test_a_value_is_told_as_chinese_readers_write_it(
    name: str, value: float | str | None, expected: str
) -> None:
    template = next(one for one in entries() if one.name == name)
    told = book(phrases_of(template), name).tell(Told(name, value))
    assert told == expected


def test_a_text_of_the_company_is_told_as_it_is_stored() -> None:
    own = Phrases("parties", "Parties held.", "{value} parties held", "", "", {})
    assert book(own).tell(Told("f", 2.0)) is None
    assert book(own).mean("f") is None
    assert book(own).unit("f") is None


def test_a_snapshot_without_phrases_is_told_as_it_is_stored() -> None:
    assert Phrasebook(None, CHINESE, "EUR").tell(Told("seats", 2.0)) is None
    assert Phrasebook({}, CHINESE, None).name("seats") is None


def test_a_feature_is_called_by_its_meaning_up_to_what_explains_it() -> None:
    phrases = Phrases("users", "Daily users of {module} (means: a day). More.", "", "", "",
                      {"{module}": "Data"})  # fmt: skip
    english = Phrasebook({"dau": phrases.to_json()}, load_languages()["en"], None)
    assert english.name("dau") == "Daily users of Data"
    assert english.mean("dau") is None  # what was published in English is shown as it is


def test_an_attribute_is_told_by_the_name_that_the_company_gave_it() -> None:
    filled = {"{attribute}": "support plan", "{table}": "account"}
    attribute = Phrases("category", **ATTRIBUTE_TEXTS, text_below_zero="", filled=filled)
    assert book(attribute).tell(Told("f", "gold")) == f"support plan{COLON}gold"
    assert book(attribute).tell(Told("f", None)) == "support plan未知"


def test_a_column_of_a_flat_table_is_told_by_its_name() -> None:
    column = Phrases(AS_GIVEN, **COLUMN_TEXTS, text_below_zero="", filled={"{column}": "MRR {x}"})
    assert book(column).tell(Told("f", 0.00123)) == "MRR {x} 为 0.00123"
    assert book(column).tell(Told("f", 12.0)) == "MRR {x} 为 12"
    assert book(column).tell(Told("f", "gold")) == "MRR {x} 为 gold"
    assert book(column).tell(Told("f", None)) == "MRR {x} 未知"


def test_a_score_run_publishes_the_phrases_of_every_feature_as_they_are_filled_in() -> None:
    published = collect_phrases(population(dataset("churn", []), dataset("renewal", [])))
    assert published.keys() == {feature.name for feature in CATALOGUE.features}
    for feature in CATALOGUE.features:
        phrases = Phrases(**published[feature.name])
        for name in Phrases._fields[:-1]:
            assert phrases.fill(getattr(phrases, name)) == getattr(feature, name)


def test_a_name_leaves_out_what_explains_it() -> None:
    template = next(one for one in entries() if one.name == "login_ratio_{w}d")
    assert book(phrases_of(template)).name("f") == "过去 28 天的活跃用户数除以有效合同的席位数"
