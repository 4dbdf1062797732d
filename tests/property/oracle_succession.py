"""The oracle's renewals so far, and the kin of an account."""

from __future__ import annotations

from datetime import date, timedelta

from tests.property.company import Company
from tests.property.oracle_contract import Term, find_predecessor, is_known, known_terms
from tests.property.oracle_label import arr_of, currency_of, grace_days

Value = float | str | None


def succession_features(company: Company, terms: list[Term], as_of: date) -> dict[str, Value]:
    """What became of the account's terms when they were followed; ``terms`` are the account's."""
    pairs = []
    for term in terms:
        before = find_predecessor(term, terms, grace_days(company))
        if term.start <= as_of and before is not None:
            pairs.append((before, term))
    ratios = [_growth(before, term) for before, term in pairs]
    known = [ratio for ratio in ratios if ratio is not None]
    more = [term for (_, term), ratio in zip(pairs, ratios, strict=True) if ratio and ratio > 1.01]
    less = [
        term
        for (_, term), ratio in zip(pairs, ratios, strict=True)
        if ratio is not None and ratio < 0.99
    ]
    plans = [(before.row["plan"], term.row["plan"]) for before, term in pairs]
    return {
        "renewals": len(pairs),
        "past_expansions": len(more) if len(known) == len(pairs) else None,
        "past_reductions": len(less) if len(known) == len(pairs) else None,
        "days_since_expansion": min(((as_of - t.start).days for t in more), default=None),
        "days_since_reduction": min(((as_of - t.start).days for t in less), default=None),
        "plan_changes": None
        if any(None in pair for pair in plans)
        else len([pair for pair in plans if pair[0] != pair[1]]),
    }


def _growth(before: Term, term: Term) -> float | None:
    """The later ARR over the earlier one, of one currency."""
    old, new = arr_of(before.row), arr_of(term.row)
    if not old or new is None or currency_of(before.row) != currency_of(term.row):
        return None
    return new / old


def kin_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    """The other accounts of the same parent that ever were customers, and those that left."""
    parent = _parent(company, account_id, as_of)
    ids = {row["account_id"] for row in company.tables["accounts"]} - {account_id}
    ends = []
    for other in sorted(ids):
        terms = [term for term in known_terms(company, as_of) if term.account == other]
        begun = any(term.start <= as_of for term in terms)
        if parent is not None and _parent(company, other, as_of) == parent and begun:
            ends.append(max(term.end for term in terms))
    left = [end for end in ends if as_of - timedelta(days=365) <= end <= as_of]
    return {
        "siblings": len(ends),
        "siblings_left_365d": len(left),
        "siblings_left_share": len(left) / len(ends) if ends else None,
    }


def _parent(company: Company, account_id: str, as_of: date) -> str | None:
    versions = [row for row in company.tables["accounts"] if row["account_id"] == account_id]
    known = [row for row in versions if is_known(row["known_at"], as_of)]
    parent: str | None = max(known, key=lambda row: row["known_at"])["parent_id"] if known else None
    return parent
