"""Which playbooks fit an account: its drivers that raise the risk, and its open warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from models.account_score import AccountScore, Driver
from models.alert import Severity
from models.condition import all_hold
from models.playbook import Fit, Playbook
from models.table import BoolArray

MOST = 3
# Log-odds that a warning counts for beside drivers: an urgent one as much as a strong driver.
WEIGHT: Mapping[Severity, float] = {"urgent": 1.0, "soon": 0.5, "watch": 0.2}


@dataclass(frozen=True, eq=False)
class Offers:
    """The playbooks of a company, and where their bounds hold on its accounts.

    Parameters
    ----------
    playbooks : tuple of Playbook
        In the order in which they are looked at.
    stage : mapping of account id to str
        Of the accounts whose stage is known.
    place : mapping of account id to int
        Row of each account in `met`.
    met : mapping of playbook name to bool, (n,)
        Where a playbook's own bounds hold; only of those that have any.
    """

    playbooks: tuple[Playbook, ...]
    stage: Mapping[str, str]
    place: Mapping[str, int]
    met: Mapping[str, BoolArray]

    def find(self, tag: str, account: AccountScore) -> Playbook | None:
        """The first playbook that takes up what a feature or a warning asks for, and fits."""
        for playbook, fits_all in self._by_tag.get(tag, ()):
            if fits_all or self.fits(playbook, account):
                return playbook
        return None

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much each playbook counts beside others."""
        return {playbook.name: playbook.weight for playbook in self.playbooks}

    @cached_property
    def _by_tag(self) -> dict[str, list[tuple[Playbook, bool]]]:
        """The playbooks that take up a name, and whether each fits every account."""
        found: dict[str, list[tuple[Playbook, bool]]] = {}
        for playbook in self.playbooks:
            for tag in playbook.tags:
                found.setdefault(tag, []).append((playbook, playbook.fits == Fit()))
        return found

    def fits(self, playbook: Playbook, account: AccountScore) -> bool:
        """Whether the playbook is for this account."""
        fit = playbook.fits
        experience = None if account.health is None else account.health.experience
        return (
            _is_among(self.stage.get(account.account_id), fit.stages)
            and _is_among(account.segment, fit.segments)
            and _is_among(account.account_tier, fit.account_tiers)
            and _is_felt(experience, fit.experience_at_least, fit.experience_below)
            and self._is_met(playbook, account.account_id)
        )

    def _is_met(self, playbook: Playbook, account_id: str) -> bool:
        if not playbook.fits.when:
            return True
        place = self.place.get(account_id)
        return place is not None and bool(self.met[playbook.name][place])


def _is_among(value: str | None, wanted: Sequence[str]) -> bool:
    return not wanted or value in wanted


def _is_felt(experience: float | None, least: float | None, below: float | None) -> bool:
    if least is None and below is None:
        return True
    if experience is None:
        return False
    return (least is None or experience >= least) and (below is None or experience < below)


def plan_offers(
    playbooks: Sequence[Playbook], accounts: Sequence[str], features: pd.DataFrame
) -> Offers:
    """The playbooks, matched with all accounts at once.

    Parameters
    ----------
    playbooks : sequence of Playbook
    accounts : sequence of str, (n,)
    features : DataFrame, (n, n_features)
    """
    stages = features["stage"].tolist() if "stage" in features else [None] * len(accounts)
    return Offers(
        tuple(playbooks),
        {
            account: stage
            for account, stage in zip(accounts, stages, strict=True)
            if isinstance(stage, str)
        },
        {account: place for place, account in enumerate(accounts)},
        {
            playbook.name: all_hold(playbook.fits.when, features)
            for playbook in playbooks
            if playbook.fits.when
        },
    )


def with_playbooks(
    offers: Offers, account: AccountScore, tags: Mapping[str, str]
) -> tuple[Driver, ...]:
    """The account's drivers, those that raise the risk with the playbook that each asks for.

    Parameters
    ----------
    offers : Offers
    account : AccountScore
    tags : mapping of feature name to the playbook that the catalogue names for it
    """

    def find(driver: Driver) -> Driver:
        if driver.contribution <= 0 or driver.feature not in tags:
            return driver
        found = offers.find(tags[driver.feature], account)
        return driver if found is None else driver._replace(playbook=found.name)

    return tuple(map(find, account.drivers))


def offer(offers: Offers, account: AccountScore) -> tuple[str, ...]:
    """Names of the playbooks that take up most of an account's trouble, at most three.

    Parameters
    ----------
    offers : Offers
    account : AccountScore
        Its drivers that name a playbook weigh as much as they contribute, its open warnings that
        name one by their severity. One that gave notice is lost: it is offered none.
    """
    if account.state == "notice_given":
        return ()
    weights: dict[str, float] = {}

    def weigh(name: str, weight: float) -> None:
        weights[name] = weights.get(name, 0.0) + offers.weights[name] * weight

    for driver in account.drivers:
        if driver.playbook is not None:
            weigh(driver.playbook, driver.contribution)
    for alert in account.alerts:
        if alert.is_open and alert.playbook is not None:
            weigh(alert.playbook, WEIGHT[alert.severity])
    return tuple(sorted(weights, key=lambda name: (-weights[name], name))[:MOST])
