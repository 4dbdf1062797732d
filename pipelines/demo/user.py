"""The people who use the product at the demo's accounts, and who of them is the key user when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.cause import KEY_USER, is_active
from pipelines.demo.name import FAMILY, GIVEN, external_ids
from pipelines.demo.period import DATA_END, DATA_START
from pipelines.demo.world import World

FAR = 1 << 20  # a day that never comes
LEAVES_A_DAY = 1 / 2500


@dataclass
class Person:
    """A row of ``users``; days are numbers.

    Parameters
    ----------
    number : int
        Place among all people of the demo.
    silent_from : int
        First day without usage, which the table need not show.
    """

    account: int
    number: int
    role: str
    name: str
    activated_at: int
    known_at: int
    deactivated_at: int | None = None
    silent_from: int = FAR

    def leave(self, day: int, recorded_at: int | None) -> None:
        """Stop using the product; recorded_at is None when nobody closes the login."""
        self.silent_from = day
        if recorded_at is not None and recorded_at < DATA_END:
            self.deactivated_at = recorded_at


@dataclass(frozen=True)
class People:
    """Everybody at all accounts.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per row of the table ``users``; a role change repeats a person.
    key_user : int32, (n_accounts, WINDOW)
        Number of the key user on each day with usage, -1 while there is none.
    first : int32, (n_accounts,)
        Number of each account's first other person; the rest follow in order of activation.
    activated, silent_from : int32, (n_people,)
        Days between which each person uses the product.
    other : bool, (n_people,)
        Whether the person began as something else than a key user.
    """

    rows: pd.DataFrame
    key_user: npt.NDArray[np.int32]
    first: npt.NDArray[np.int32]
    activated: npt.NDArray[np.int32]
    silent_from: npt.NDArray[np.int32]
    other: npt.NDArray[np.bool_]


def draw_people(seed: int, world: World) -> People:
    """People of all accounts; those of one depend on the seed and on the account's id."""
    accounts = world.accounts
    rows: list[Person] = []
    key_user = np.full((len(accounts), DATA_END), -1, dtype=np.int32)
    first = np.zeros(len(accounts), dtype=np.int32)
    vacant = is_active(world.states, KEY_USER)
    number = 0
    fields = zip(
        accounts["account_id"], accounts["birth"], accounts["seats"], world.lasts, strict=True
    )
    for account, (name, birth, seats, last) in enumerate(fields):
        first[account] = number
        staff = _Staff(Random(f"{seed}/people/{name}"), account, number, int(birth), last)
        staff.hire_others(int(seats))
        staff.fill_key_role(vacant[account], key_user[account])
        number += staff.count
        rows += staff.rows
    table = pd.DataFrame([vars(person) for person in rows])
    one_each = table.drop_duplicates("number").sort_values("number")
    return People(
        table,
        key_user[:, DATA_START:],
        first,
        one_each["activated_at"].to_numpy(dtype=np.int32),
        one_each["silent_from"].to_numpy(dtype=np.int32),
        (one_each["role"] != "champion").to_numpy(),
    )


class _Staff:
    """The people of one account, the key users numbered after all others."""

    def __init__(self, chance: Random, account: int, first: int, birth: int, last: int) -> None:
        self.chance = chance
        self.account = account
        self.first = first
        self.birth = birth
        self.last = min(last, DATA_END)
        self.count = 0
        self.rows: list[Person] = []

    def _add(self, role: str, day: int) -> Person:
        name = f"{self.chance.choice(GIVEN)} {self.chance.choice(FAMILY)}"
        person = Person(self.account, self.first + self.count, role, name, day, day)
        self.count += 1
        self.rows.append(person)
        return person

    def hire_others(self, seats: int) -> None:
        """Everybody but the key users, in order of activation."""
        chance = self.chance
        days = []
        for _ in range(max(3, round(seats * chance.uniform(0.55, 0.98)) - 1)):
            late = chance.random() < 0.35
            days.append(
                self.birth + int(chance.uniform(0, 450) if late else chance.expovariate(0.12))
            )
        for place, day in enumerate(sorted(day for day in days if day < self.last)):
            role = ("executive", "admin", "contact")[place] if place < 3 else "member"
            person = self._add(role, day)
            leaves = day + int(chance.expovariate(LEAVES_A_DAY)) + 1
            if leaves < self.last:
                person.leave(leaves, leaves if chance.random() < 0.8 else None)

    def fill_key_role(self, vacant: npt.NDArray[np.bool_], key_user: npt.NDArray[np.int32]) -> None:
        """Key users one after another, with nobody while the role is vacant."""
        held = np.zeros(len(vacant), dtype=np.int8)
        held[self.birth : self.last] = ~vacant[self.birth : self.last]
        edges = np.diff(held, prepend=0, append=0)
        spells = zip(np.nonzero(edges == 1)[0], np.nonzero(edges == -1)[0], strict=True)
        for start, end in spells:
            number = self._key_user(int(start))
            key_user[start : min(end, DATA_END)] = number
            if end < self.last:
                lag = self.chance.randint(0, 30)
                recorded = int(end) + lag if self.chance.random() < 0.7 else None
                for row in self.rows:
                    if row.number == number:
                        row.leave(int(end), recorded)

    def _key_user(self, day: int) -> int:
        """Number of a new key user: half of the later ones are colleagues who change their role."""
        staying = [p for p in self.rows if p.silent_from == FAR and p.activated_at < day]
        if day > self.birth and staying and self.chance.random() < 0.5:
            chosen = self.chance.choice(staying)
            self.rows.append(replace(chosen, role="champion", known_at=day))
            return chosen.number
        return self._add("champion", day).number


def user_table(people: People, account_ids: pd.Series) -> pd.DataFrame:
    """The contract table ``users``; a row repeats with a later known_at where a role changed."""
    rows = people.rows
    table = pd.DataFrame(
        {
            "user_id": user_ids(rows["number"].to_numpy()),
            "account_id": account_ids.to_numpy()[rows["account"]],
            "name": rows["name"],
            "external_id": external_ids("003", rows["number"].to_numpy() * 7 + 310),
            "role": rows["role"],
            "activated_at": rows["activated_at"],
            "deactivated_at": rows["deactivated_at"],
            "known_at": rows["known_at"],
        }
    )
    return table.sort_values(["user_id", "known_at"], ignore_index=True)


def user_ids(numbers: npt.NDArray[np.integer]) -> list[str]:
    """Ids of people by their number."""
    return [f"U{number + 1:06d}" for number in numbers.tolist()]
