"""The contracts of one account, term after term, until it leaves or the data end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pandas as pd

from pipelines.demo.cause import SEATS, StateArray
from pipelines.demo.contract import Customer, Term
from pipelines.demo.decision import EVERGREEN_NOTICE, settle
from pipelines.demo.period import DATA_END, add_months, early_in_month

PLAN_PRICE = {"starter": 18.0, "team": 34.0, "business": 62.0}  # a seat and month
LATEST_RENEWAL = 25  # days after the end, inside the grace period of the label
RETURNS = 0.07  # share of those who leave that come back


def draw_terms(seed: int, accounts: pd.DataFrame, states: StateArray) -> pd.DataFrame:
    """Contracts of all accounts, one row each, with what only the generator knows.

    Parameters
    ----------
    seed : int
        Source of chance; an account's draws depend on it and on the account's id.
    accounts : pandas.DataFrame
        As `draw_accounts` returns it.
    states : uint8, (n_accounts, DATA_END + 1)
        As `draw_states` returns it.

    Returns
    -------
    pandas.DataFrame
        One column per field of `Term`, and actual_end; ordered by account.
    """
    terms: list[Term] = []
    columns = ["account_id", "kind", "birth", "seats", "discount", "low_fit", "currency"]
    for row, values in enumerate(accounts[columns].itertuples(index=False, name=None)):
        account_id, kind, birth, seats, discount, low_fit, currency = values
        chance = Random(f"{seed}/contracts/{account_id}")
        parallel = kind in ("annual", "multi") and chance.random() < 0.08
        customer = Customer(
            row, account_id, kind, birth, seats, discount, low_fit, currency, parallel
        )
        terms += _History(customer, states[row], chance).terms()
    frame = pd.DataFrame([vars(term) for term in terms])
    return frame.assign(actual_end=[term.actual_end for term in terms])


class _History:
    """Draws the terms of one account in order of time."""

    def __init__(self, customer: Customer, states: StateArray, chance: Random) -> None:
        self.customer = customer
        self.states = states
        self.chance = chance
        self.count = 0

    def terms(self) -> list[Term]:
        main = list(self._main_terms())
        second = self._second_product(main) if self.customer.parallel else []
        trial = [self._trial(main[0])] if self.customer.account % 611 == 100 else []
        return trial + main + second

    def _main_terms(self) -> Iterator[Term]:
        term: Term | None = self._first(self.customer.birth)
        while term is not None and term.signed_at < DATA_END:
            settle(term, self.states, self.chance)
            yield term
            term = self._next(term)

    def _id(self) -> str:
        self.count += 1
        return f"C{self.customer.account + 1:05d}-{self.count:02d}"

    def _first(self, start: int) -> Term:
        customer, chance = self.customer, self.chance
        plan = chance.choices(list(PLAN_PRICE), (4, 4, 2))[0]
        list_price = customer.seats * PLAN_PRICE[plan] * 12
        long = customer.kind in ("annual", "multi")
        notices = {"annual": (None, 30, 60, 90), "multi": (30, 60, 90, 90)}
        # Billed monthly means a monthly term here, so that a slice of them is not a mix.
        periods = {"monthly": (1,), "annual": (3, 12, 12, 12), "multi": (3, 12)}
        term = Term(
            account=customer.account,
            account_id=customer.account_id,
            contract_id=self._id(),
            kind=customer.kind,
            start_date=start,
            end_date=None,
            signed_at=start - chance.randint(0, 25 if long else 3),
            arr=round(list_price * (1 - customer.discount), 2),
            currency=customer.currency,
            seats=customer.seats,
            plan=plan,
            discount=customer.discount,
            billing_period_months=chance.choice(periods.get(customer.kind, (3, 12))),
            term_months={"monthly": 1, "annual": 12, "multi": chance.choice((24, 36))}.get(
                customer.kind
            ),
            auto_renew=customer.kind == "monthly" or chance.random() < 0.6,
            notice_days=chance.choice(notices[customer.kind]) if long else None,
            low_fit=customer.low_fit,
            base=customer.base,
            rise_chance=customer.rise_chance,
            interruptible=long and not customer.parallel,
        )
        if customer.kind == "evergreen":
            term.notice_days, term.auto_renew = EVERGREEN_NOTICE, False
        self._end(term)
        return term

    def _end(self, term: Term) -> None:
        """Fix the agreed end and the day of the decision."""
        if term.term_months is None:
            return
        term.end_date = add_months(term.start_date, term.term_months)
        term.decided_at = term.end_date - (term.notice_days or 0)
        if term.kind != "monthly" and self.chance.random() < 0.2:
            term.decided_early = True
            term.decided_at -= self.chance.randint(5, 60)

    def _trial(self, first: Term) -> Term:
        """A term of no days, agreed and given up before the first one."""
        start = first.start_date
        return replace(
            first,
            contract_id=self._id(),
            end_date=start,
            signed_at=start - 40,
            plan="trial",
            arr=0.0,
            discount=0.0,
            auto_renew=False,
            notice_days=None,
            main=False,
            lost_on=None,
            notice_given_at=None,
            terminated_at=None,
        )

    def _second_product(self, main: list[Term]) -> list[Term]:
        """A second product that runs beside the main contract to the same end."""
        added: list[Term] = []
        from_term = self.chance.randrange(len(main))
        for term in main[from_term:]:
            later = early_in_month(term.start_date + self.chance.randint(30, 200))
            start = term.start_date if added else later
            latest = min(DATA_END, term.actual_end, term.decided_at or DATA_END)
            if not added and start >= latest:
                continue
            previous = added[-1].contract_id if added and term.renews else None
            added.append(
                replace(
                    term,
                    contract_id=self._id(),
                    start_date=start,
                    main=False,
                    product="insights",
                    arr=round(term.arr * 0.3, 2),
                    renews=previous,
                    signed_at=term.signed_at if added else start - 2,
                )
            )
        return added

    def _next(self, term: Term) -> Term | None:
        if term.lost_on is not None:
            return self._returned(term.lost_on)
        if term.terminated_at is not None:
            return self._upgraded(term, term.terminated_at)
        if term.decided_at is None or term.end_date is None or term.decided_at >= DATA_END:
            return None
        return self._renewed(term)

    def _returned(self, lost_on: int) -> Term | None:
        if self.chance.random() >= RETURNS:
            return None
        start = early_in_month(lost_on + self.chance.randint(70, 240))
        return self._first(start) if start < DATA_END else None

    def _upgraded(self, term: Term, start: int) -> Term:
        growth = self.chance.uniform(1.25, 1.9)
        return self._follow(term, start, start - self.chance.randint(0, 10), growth, 1.0)

    def _renewed(self, term: Term) -> Term:
        start, signed = self._renewal_days(term)
        state = int(self.states[min(start, DATA_END)])
        shrinks = 0.30 if state >> SEATS & 1 else 0.05
        often = 0.15 if term.kind == "monthly" else 1.0
        pick = self.chance.random()
        seats = 1.0
        if pick < shrinks * often:
            seats = self.chance.uniform(0.55, 0.92)
        elif pick < (shrinks + 0.20) * often:
            seats = self.chance.uniform(1.08, 1.6)
        price = self.chance.uniform(1.07, 1.2) if term.rise else 1.0
        return self._follow(term, start, signed, seats, price)

    def _renewal_days(self, term: Term) -> tuple[int, int]:
        """Start of the next term and the day it was signed."""
        assert term.decided_at is not None
        assert term.end_date is not None
        end, decided, chance = term.end_date, term.decided_at, self.chance
        if term.kind == "monthly":
            return end, end
        if term.decided_early:
            return end, decided
        if term.auto_renew:
            return end, end
        if chance.random() < 0.2:
            start = early_in_month(end + chance.randint(3, LATEST_RENEWAL))
            return max(start, end), max(decided, start - chance.randint(0, 3))
        signed = chance.randint(decided, end)
        start = early_in_month(end - chance.randint(2, 14))
        overlaps = chance.random() < 0.05 and start >= signed
        return (start if overlaps else end), signed

    def _follow(self, term: Term, start: int, signed: int, growth: float, price: float) -> Term:
        seats = max(2, round(term.seats * growth))
        follower = replace(
            term,
            contract_id=self._id(),
            start_date=start,
            end_date=None,
            seats=seats,
            arr=round(term.arr * seats / term.seats * price, 2),
            signed_at=min(signed, start),
            discount=round(term.discount / 2, 3) if price > 1 else term.discount,
            renews=term.contract_id,
            terminated_at=None,
            notice_given_at=None,
            decided_at=None,
            decided_early=False,
            decision_cause=None,
            rise=False,
            announced_at=None,
        )
        if not self.customer.parallel and self.chance.random() < 0.15:
            follower.renews = None
        self._end(follower)
        return follower
