"""Primitives of surveys: what the customer said last, how long ago, and how it changed.

Answers of one kind on one day are averaged: they are one reading of the account.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, count_where, figure_columns, within
from features.people import key_person
from features.ticket import FIRST_DAYS
from features.total import exact_mean

KINDS = ("nps", "csat", "ces", "csm_sentiment")
_OF_CUSTOMER = "kind IN ('nps', 'csat', 'ces')"
# Net promoter: 0-6 of 10 is a detractor. Satisfaction of 1-5: who gives 1 or 2 is dissatisfied.
DETRACTOR, DISSATISFIED = 6, 2
_LOW = f"((kind = 'nps' AND value <= {DETRACTOR}) OR (kind = 'csat' AND value <= {DISSATISFIED}))"


def _reading(kind: str, number: int) -> str:
    """The account's last reading, or the one before it."""
    return exact_mean("value", f"FILTER (WHERE kind = '{kind}' AND reading = {number})")


def _of_kind(kind: str) -> dict[str, Figure]:
    since = f"date_diff('day', max(day) FILTER (WHERE kind = '{kind}'), as_of)"
    mean = exact_mean("value", f"FILTER (WHERE kind = '{kind}' AND {within('day', 182)})")
    return {
        f"survey.{kind}": Figure(_reading(kind, 1)),
        f"survey.{kind}_age": Figure(since),
        f"survey.{kind}_change": Figure(f"{_reading(kind, 1)} - {_reading(kind, 2)}"),
        f"survey.{kind}_mean_182d": Figure(mean, span=182),
    }


FIGURES: Mapping[str, Figure] = {
    **{name: figure for kind in KINDS for name, figure in _of_kind(kind).items()},
    "survey.detractors_182d": Figure(
        count_where(f"kind = 'nps' AND value <= {DETRACTOR} AND {within('day', 182)}"), span=182
    ),
    "survey.responses_182d": Figure(
        count_where(f"{_OF_CUSTOMER} AND {within('day', 182)}"), span=182
    ),
    "survey.low_first_days": Figure(
        count_where(f"{_LOW} AND day >= started AND day < started + {FIRST_DAYS}"),
        ("contracts",),
        span=FIRST_DAYS,
    ),
}
_DETRACTOR = {
    "detractor.key_users": Figure(
        f"CASE WHEN count(answer.value) > 0 THEN {count_where(f'answer.value <= {DETRACTOR}')} END",
        ("surveys.user_id", "users.role"),
    )
}


def build_survey(given: Given) -> str:
    """Create ``survey_primitive``, one row per (account, as-of date), and return its name."""
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE survey_primitive AS
        WITH answer AS (
            SELECT row_no, day, lower(kind) AS kind, value, dense_rank() OVER (
                       PARTITION BY row_no, lower(kind) ORDER BY day DESC) AS reading
            FROM row_account JOIN surveys ON surveys.account_id = row_account.account_id
             AND surveys.known_day < row_account.as_of)
        SELECT row_account.account_id, row_account.as_of, {figure_columns(FIGURES)}
        FROM row_account LEFT JOIN answer ON answer.row_no = row_account.row_no
        GROUP BY row_account.account_id, row_account.as_of, row_account.started"""
    )
    return "survey_primitive"


def build_detractor(given: Given) -> str:
    """Create ``detractor_primitive``, one row per (account, as-of date), and return its name.

    The last answer of each key user counts; of several on one day the worst.
    """
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE detractor_primitive AS
        WITH person AS ({key_person(given.settings, given.columns)}),
        answer AS (
            SELECT person.row_no, value FROM person JOIN surveys
              ON surveys.account_id = person.account_id AND surveys.user_id = person.user_id
             AND surveys.known_day < person.as_of
            WHERE NOT person.gone AND lower(surveys.kind) = 'nps'
            QUALIFY row_number() OVER (
                PARTITION BY person.row_no, person.user_id ORDER BY day DESC, value) = 1)
        SELECT row_account.account_id, row_account.as_of, {figure_columns(_DETRACTOR)}
        FROM row_account LEFT JOIN answer ON answer.row_no = row_account.row_no
        GROUP BY row_account.account_id, row_account.as_of"""
    )
    return "detractor_primitive"


FAMILY = Family(("surveys",), FIGURES, build_survey)
DETRACTORS = Family(("surveys", "users"), _DETRACTOR, build_detractor)
