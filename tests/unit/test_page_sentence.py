"""Sentences that training and publishing wrote are told in Chinese, whatever stands in them."""

from __future__ import annotations

import itertools
import re

import pytest

from features.flat import _say_columns
from features.flat_file import Kind
from models.bootstrap import Estimate
from models.choice import Choice
from models.gate import BARS, RIVALS, decide
from models.leak import Leaks
from models.publish_gate import Comparison, judge_publish
from models.settings import PublishSettings
from serving.page_language import load_languages
from serving.page_sentence import Sentences
from serving.page_wording import Wording
from serving.sentence import NAMES, SENTENCES

LANGUAGES = load_languages()
CHINESE = Sentences(LANGUAGES["zh"])
WORDS = re.compile(r"[A-Za-z]{2,}")
PLACE = re.compile(r"\{\w+\}")
TERMS = {"AUC", "ARR"}


def check(sentence: str, *data: str) -> str:
    """The sentence in Chinese; it holds no English words but those of the data."""
    told = CHINESE.translate(sentence)
    assert told is not None, sentence
    assert "{" not in told, told
    for known in data:
        told = told.replace(known, "")
    assert set(WORDS.findall(told)) <= TERMS, told
    return told


def test_everything_that_the_gate_says_is_told() -> None:
    good, bad, equal = Estimate(0.2, 0.1, 0.3), Estimate(-0.2, -0.3, -0.1), Estimate(0, -0.1, 0.1)
    names = [*BARS, *RIVALS]
    for auc in (Estimate(0.8, 0.7, 0.9), Estimate(0.5, 0.4, 0.6), Estimate(0.999, 0.99, 1.0)):
        for found, ranks in itertools.product((good, bad, equal), (True, False)):
            for name in names:
                differences = {**dict.fromkeys(names, good), name: found}
                for slope in (None, Estimate(2.0, 1.5, 2.5)):
                    decision = decide(auc, differences, ranks=ranks, slope=slope, positives=500)
                    for sentence in (decision.verdict, *decision.reasons):
                        check(sentence)
            check(decide(auc, {}, ranks=ranks).verdict)
    none_beaten = decide(Estimate(0.8, 0.7, 0.9), dict.fromkeys(names, equal), ranks=True)
    assert check(none_beaten.verdict).startswith("不优于仅凭成为客户的时长、仅凭距续约天数")


def test_what_a_search_for_parameters_chose_is_told() -> None:
    best = {"num_leaves": 31.0, "learning_rate": 0.05}
    short = "the training rows span too little time for inner folds"
    check(Choice(trials=0, reason=short).to_text())
    for gain in (None, Estimate(0.01, -0.01, 0.02), Estimate(0.02, 0.01, 0.03)):
        choice = Choice(trials=20, tests=3, default_auc=0.75, best=best, gain=gain)
        check(choice.to_text(), *best)


def test_why_a_snapshot_was_held_back_is_told() -> None:
    found = Comparison(
        served=1000, accounts=100, missing=("A1",) * 900, scored=800, withheld=("A2",) * 500,
        paired=300, mean_before=0.1, mean_after=0.5,
    )  # fmt: skip
    problems = judge_publish(found, PublishSettings())
    assert len(problems) == 4
    for problem in problems:
        told = f"publish.{problem.column}"
        check(f"{told}: {problem.rule}", told)


def test_what_holds_the_answer_is_told() -> None:
    check(Leaks(names=("the rows",)).verdict)
    check(Leaks(names=("nps",)).verdict, "nps")
    check(Leaks(names=("nps", "csat")).verdict, "nps", "csat")
    stops = Leaks().with_others({"nps": "renewal"}).stops
    check(stops[0], "nps", "leave_out")


def test_what_a_flat_table_is_warned_of_is_told() -> None:
    kinds: dict[str, Kind] = {"months_active": "number", "region_id": "number"}
    _, warnings = _say_columns(kinds, {}, {name: name for name in kinds}, set())
    assert len(warnings) == 2
    for warning in warnings:
        check(warning, *kinds, "--duration-column", "--leave-out")


@pytest.mark.parametrize(
    "sentence",
    [
        (
            "not shown to be better than chance within 2 of 18 slices judged: tenure 0-89 days "
            "(AUC 0.55, 0.45 to 0.65, 1,200 rows); worked on yes (AUC 0.50, 0.40 to 0.60, 90 rows)"
            "; and 3 smaller"
        ),
        (
            "calibration slope outside 0.8 to 1.25 beyond noise within 1 of 9 slices judged: lead "
            "over 90 days (slope 2.10, 1.90 to 2.30, 400 rows)"
        ),
        "its expected loss runs low: the ARR that was lost is 1.53 times as much (1.09 to 1.97)",
        (
            "The account leaves more than 14 and at most 90 days after the as-of date: its last "
            "contract ends without a successor by 30 days later or 60 days of silence begin."
        ),
        (
            "The contract ends without a successor that starts by 30 days after its end; seen on "
            "as-of dates up to 60 days before its decision."
        ),
        "champion 3 (same recipe) on the same 1,234 rows: average precision differs by unknown",
        "version 4 was promoted while this model was being trained; train again",
        "Ask again in 12 s.",
    ],
)
def test_a_sentence_is_told_with_all_that_was_filled_in(sentence: str) -> None:
    told = check(sentence)
    for figure in re.findall(r"\d[\d.,]*\d", sentence):
        assert figure in told


def test_what_is_not_known_stays_as_it_was_written() -> None:
    assert CHINESE.translate("the moon is full") is None
    assert CHINESE.translate("") is None


def test_the_source_language_is_never_written_again() -> None:
    english = Sentences(LANGUAGES["en"])
    assert all(english.translate(sentence) is None for sentence in SENTENCES)


def test_values_of_slices_that_keepwell_names_are_told_and_those_of_the_company_are_not() -> None:
    words = Wording(LANGUAGES["zh"])
    assert words.slice("tenure_band", "90-364 days") == "成为客户的时长: 90\N{EN DASH}364 天"
    assert words.slice("lead_band", "overdue") == "距决定日: 已逾期"
    assert words.slice("worked_on", "yes") == "是否跟进过: 是"
    assert words.slice("segment", "unknown") == "细分: 未知"
    assert words.slice("segment", "yes") == "细分: yes"
    assert Wording(LANGUAGES["en"]).slice("tenure_band", "0-89 days") == "Customer for: 0-89 days"


def test_every_place_of_a_sentence_stays_in_its_translation() -> None:
    for message in itertools.chain(SENTENCES, *NAMES.values()):
        translated = LANGUAGES["zh"].text(message)
        assert sorted(PLACE.findall(message)) == sorted(PLACE.findall(translated)), message
