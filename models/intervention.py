"""Accounts that were worked on: what that does to the labels, and with a hold-out its effect."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bootstrap import Estimate, draw_groups, estimate
from models.figure import both, number
from models.gate import spell
from models.ranking import divide
from models.scored import ScoredRows
from models.settings import ModelSettings
from models.table import BoolArray, FloatArray

WORKED_ON = "worked_on"
YES = "yes"
LEAST_GROUPS = 10


@dataclass(frozen=True)
class Arm:
    """Accounts at high risk, either those to be left alone or the others.

    Parameters
    ----------
    accounts, lost : int
    contacted : int or None
        Those that were in fact worked on; None without the table ``interventions``.
    """

    accounts: int
    lost: int
    contacted: int | None

    def to_json(self) -> dict[str, object]:
        """Counts, and the share that was lost; null without accounts."""
        rate = self.lost / self.accounts if self.accounts else float("nan")
        return {
            "accounts": self.accounts,
            "lost": self.lost,
            "loss_rate": number(rate),
            "contacted": self.contacted,
        }


@dataclass(frozen=True)
class Effect:
    """What working on accounts at high risk does to the share that is lost.

    Parameters
    ----------
    worked_on, held_out : Arm
        As assigned, whether or not an account was in fact contacted.
    difference : Estimate
        Loss rate of the first less that of the second; below 0 is good. NaN where an arm has fewer
        than ten groups.
    """

    worked_on: Arm
    held_out: Arm
    difference: Estimate

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "worked_on": self.worked_on.to_json(),
            "held_out": self.held_out.to_json(),
            **both("difference", self.difference),
        }


@dataclass(frozen=True)
class Interventions:
    """What is known of acting on the accounts behind some test rows.

    Parameters
    ----------
    rows : int or None
        Test rows whose account was worked on within the label's span; None without the table.
    effect : Effect or None
        None without a hold-out.
    """

    rows: int | None = None
    effect: Effect | None = None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "rows_worked_on": self.rows,
            "effect": None if self.effect is None else self.effect.to_json(),
        }


NO_INTERVENTIONS = Interventions()


def held_out(groups: Iterable[str], *, share: float, seed: int) -> BoolArray:
    """Whether the accounts of each group are left alone, (n,).

    The answer for a group is the same on every day and machine, whatever other groups there are,
    and raising the share only adds groups. Parents are assigned whole: their accounts talk.

    Parameters
    ----------
    groups : iterable of str
        Parent, or else account.
    share : float
        0-1.
    seed : int
        Another one draws another hold-out.
    """
    limit = share * 2.0**64
    return np.array([_place(str(group), seed) < limit for group in groups], dtype=np.bool_)


def _place(group: str, seed: int) -> int:
    digest = hashlib.sha256(f"hold-out:{seed}:{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def judge_interventions(scored: ScoredRows, settings: ModelSettings) -> Interventions:
    """How many test rows acting has spoiled, and with a hold-out what acting brings.

    Parameters
    ----------
    scored : ScoredRows
        Test rows; ``worked_on`` is among their slices where there is a table ``interventions``.
    settings : ModelSettings
        Capacity, hold-out, replicates and seed.
    """
    acted = acted_on(scored.rows)
    chosen = settings.interventions
    effect = None
    if chosen.hold_out_share > 0:
        since = pd.Timestamp(chosen.hold_out_from or scored.rows["as_of"].min())
        part = scored.part((scored.rows["as_of"] >= since).to_numpy(dtype=np.bool_))
        effect = measure_effect(part, settings)
    return Interventions(None if acted is None else int(acted.sum()), effect)


def acted_on(rows: pd.DataFrame) -> BoolArray | None:
    """Whether each row's account was worked on within its label's span; None when not known."""
    if WORKED_ON not in rows:
        return None
    return np.asarray(rows[WORKED_ON].to_numpy() == YES, dtype=np.bool_)


def measure_effect(scored: ScoredRows, settings: ModelSettings) -> Effect:
    """The effect of working on who is at high risk: everyone there, as assigned.

    At high risk is who is among the ``team.capacity`` most probable losses of an as-of date; each
    account counts once, on the first such date. Who was in fact contacted does not
    matter: those whom the team chose, or reached, differ from the others in more than the contact.

    Parameters
    ----------
    scored : ScoredRows
        Rows on which the hold-out was kept.
    settings : ModelSettings
    """
    entered = scored.part(_first_at_risk(scored, settings.team.capacity))
    chosen = settings.interventions
    held = held_out(entered.group, share=chosen.hold_out_share, seed=chosen.seed)
    difference = Estimate(float("nan"), float("nan"), float("nan"))
    arms = (entered.group[~held], entered.group[held])
    if min(len(set(arm)) for arm in arms) >= LEAST_GROUPS:
        draws = draw_groups(
            entered.group, replicates=settings.training.replicates, seed=settings.training.seed
        )
        difference = estimate(
            float(_difference(entered.label, held, np.ones(len(entered)))),
            draws.replicates(lambda weight: _difference(entered.label, held, weight)),
        )
    return Effect(_arm(entered, ~held), _arm(entered, held), difference)


def _first_at_risk(scored: ScoredRows, capacity: int) -> BoolArray:
    """Each account's first row among the most probable losses of its date, of several the worst."""
    frame = scored.rows[["account_id", "as_of"]].reset_index(drop=True)
    frame["place"] = pd.Series(-scored.probability).groupby(frame["as_of"]).rank(method="first")
    high = frame.loc[frame["place"] <= capacity].sort_values(["as_of", "place"])
    first: BoolArray = np.zeros(len(frame), dtype=np.bool_)
    first[high.drop_duplicates("account_id").index.to_numpy(dtype=np.intp)] = True
    return first


def _difference(label: FloatArray, held: BoolArray, weight: FloatArray) -> FloatArray:
    """Loss rate of the others less that of the held out; weights (..., n) to (...)."""
    rates = [
        divide((weight * label)[..., arm].sum(axis=-1), weight[..., arm].sum(axis=-1))
        for arm in (~held, held)
    ]
    return np.asarray(rates[0] - rates[1], dtype=np.float64)


def _arm(entered: ScoredRows, chosen: BoolArray) -> Arm:
    acted = acted_on(entered.rows)
    contacted = None if acted is None else int(acted[chosen].sum())
    return Arm(int(chosen.sum()), int(entered.label[chosen].sum()), contacted)


def say_interventions(found: Interventions, rows: int) -> tuple[str, ...]:
    """What acting has done to the labels of the test rows, and what it brought, in sentences."""
    said = []
    if found.rows:
        said.append(
            f"labels of {found.rows:,} of {rows:,} test rows are spoiled by acting: their accounts "
            "were worked on within the label's span, so one that was saved looks like a false "
            f"alarm; their figures stand apart as the slice {WORKED_ON}"
        )
    if found.effect is not None:
        effect = found.effect
        arms = f"{effect.worked_on.accounts:,} at high risk against {effect.held_out.accounts:,}"
        said.append(
            f"acting changes the share lost by {spell(effect.difference, sign='+')}: {arms} "
            "held out at random, as assigned, whether or not contacted"
        )
    return tuple(said)
