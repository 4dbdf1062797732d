"""The oracle: every feature of the catalogue by plain loops over plain rows.

Written from the meaning of each feature, not from its SQL; slow, and simple enough to be believed.
"""

from __future__ import annotations

from datetime import date

from tests.property.company import Company
from tests.property.oracle_adoption import adoption_features
from tests.property.oracle_agreement import contract_features
from tests.property.oracle_attribute import attribute_features
from tests.property.oracle_contract import Term, known_terms
from tests.property.oracle_invoice import invoice_features
from tests.property.oracle_measure import measure_features
from tests.property.oracle_milestone import lifecycle_features
from tests.property.oracle_money import ratio
from tests.property.oracle_onboarding import onboarding_features
from tests.property.oracle_people import is_gone, key_users, people_features
from tests.property.oracle_succession import kin_features, succession_features
from tests.property.oracle_survey import survey_features
from tests.property.oracle_ticket import ticket_features
from tests.property.oracle_touchpoint import touchpoint_features
from tests.property.oracle_trend import trend_features
from tests.property.oracle_usage import Past, usage_features

Value = float | str | None


def features_of(
    company: Company, account_id: str, contract_id: str | None, as_of: date
) -> dict[str, Value]:
    """Every feature of a row by name; None is missing."""
    terms = [term for term in known_terms(company, as_of) if term.account == account_id]
    focus = next((term for term in terms if term.id == contract_id), None)
    here = [p for p in key_users(company, account_id, as_of) if not is_gone(p, as_of)]
    past = Past(company, account_id, as_of)
    found = people_features(company, account_id, as_of)
    found |= attribute_features(company, account_id, focus, as_of)
    found |= contract_features(company, terms, focus, as_of)
    found |= succession_features(company, terms, as_of)
    found |= kin_features(company, account_id, as_of)
    found |= ticket_features(company, account_id, as_of)
    found |= survey_features(company, account_id, as_of, here)
    found |= touchpoint_features(company, account_id, as_of, focus)
    found |= invoice_features(company, account_id, as_of, _number(found["arr"]))
    found |= measure_features(company, account_id, as_of)
    found |= usage_features(past, _number(found["seats"]), _number(found["days_to_decision"]))
    found |= trend_features(past)
    found |= adoption_features(past, _number(found["seats"]))
    found |= onboarding_features(past, terms)
    return found | _crossed(company, account_id, as_of, focus, terms, found)


def _crossed(
    company: Company,
    account_id: str,
    as_of: date,
    focus: Term | None,
    terms: list[Term],
    found: dict[str, Value],
) -> dict[str, Value]:
    """The features that several tables make up."""
    customer_days = _number(found["tenure_days"])
    tenure = found["first_use_days"] if customer_days is None else customer_days
    lifecycle = lifecycle_features(
        company,
        account_id,
        as_of,
        focus=focus,
        terms=terms,
        customer_days=customer_days,
        tenure_days=_number(tenure),
    )
    users, seats = _number(found["users"]), _number(found["seats"])
    return lifecycle | {
        "tenure_days": tenure,
        "activation_ratio": ratio(users, seats),
        "tickets_per_user_91d": ratio(_number(found["tickets_91d"]), users),
        "value_over_cost_to_acquire": ratio(
            _number(found["value_to_date"]), _number(found["cost_to_acquire"])
        ),
    }


def _number(value: Value) -> float | None:
    assert not isinstance(value, str)
    return value
