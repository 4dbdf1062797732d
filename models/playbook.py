"""Playbooks: what to do, who does it, and for which accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.errors import Problem
from models.bound import Bound

SHIPPED = "shipped/playbooks.yaml"
Who = Literal["csm", "trainer", "support", "sales", "management"]
Stage = Literal["delivery", "growth", "active", "renewal"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,60}$")]
Score = Annotated[float, Field(ge=0, le=100)]
Words = dict[str, str]
_MODEL = ConfigDict(extra="forbid", frozen=True)


class Fit(BaseModel):
    """Which accounts a playbook fits; everything that is given must hold.

    What is not known of an account fits nothing that asks for it.

    Parameters
    ----------
    stages : tuple of str
        Any of these lifecycle stages; empty for all.
    segments, account_tiers : tuple of str
        Likewise, as the accounts table gives them.
    experience_at_least, experience_below : float or None
        Experience health, 0-100.
    when : dict of feature name to Bound
        All must hold.
    """

    model_config = _MODEL

    stages: tuple[Stage, ...] = ()
    segments: tuple[str, ...] = ()
    account_tiers: tuple[str, ...] = ()
    experience_at_least: Score | None = None
    experience_below: Score | None = None
    when: dict[str, Bound] = {}


class Playbook(BaseModel):
    """A playbook as it is written in YAML, shipped or a company's own.

    Parameters
    ----------
    name : str
    title, action : dict of language to str
        At least ``en``.
    steps : dict of language to list of str
    who : str
        Whose work it is.
    due_days : int
        Days from its start until it should be done.
    serves : tuple of str
        Names that features and warnings ask for; empty: its own.
    weight : float
        How much of an account's trouble it takes up, beside others; 1 by default.
    fits : Fit
    """

    model_config = _MODEL

    name: Name
    title: Words
    action: Words
    steps: dict[str, tuple[str, ...]] = {}
    who: Who
    due_days: Annotated[int, Field(ge=1, le=366)]
    serves: tuple[Name, ...] = ()
    weight: Annotated[float, Field(ge=0, le=10)] = 1.0
    fits: Fit = Fit()

    @field_validator("title", "action")
    @classmethod
    def _in_english(cls, words: Words) -> Words:
        if not words.get("en"):
            raise ValueError("must be given in English at least: {en: ...}")
        return words

    @property
    def tags(self) -> tuple[str, ...]:
        """What features and warnings call it by."""
        return self.serves or (self.name,)

    def to_json(self) -> dict[str, object]:
        """What the pages show of it."""
        shown = {"name", "title", "action", "steps", "who", "due_days"}
        return self.model_dump(mode="json", include=shown)


@cache
def read_playbooks() -> tuple[Playbook, ...]:
    """The shipped playbooks, in their order."""
    text = resources.files("models").joinpath(SHIPPED).read_text(encoding="utf-8")
    return tuple(Playbook.model_validate(entry) for entry in yaml.safe_load(text))


def merge_playbooks(own: Sequence[Playbook]) -> tuple[Playbook, ...]:
    """A company's own playbooks before the shipped ones, each in place of a shipped namesake.

    Own ones are looked at first, so that one of them takes up whatever it serves where it fits.
    """
    names = {playbook.name for playbook in own}
    return (*own, *(one for one in read_playbooks() if one.name not in names))


def parse_playbooks(entries: Sequence[object], place: str) -> tuple[list[Playbook], list[Problem]]:
    """A company's own playbooks, and everything that is wrong with them.

    Parameters
    ----------
    entries : sequence of object
        As YAML gives them: mappings are expected.
    place : str
        Key of the configuration, with the file if there is one, for messages.
    """
    found: list[Playbook] = []
    problems: list[Problem] = []
    for number, entry in enumerate(entries):
        named = entry.get("name") if isinstance(entry, Mapping) else None
        where = f"{place}.{number}" + (f" ({named})" if isinstance(named, str) else "")
        try:
            found.append(Playbook.model_validate(entry))
        except ValidationError as error:
            problems += [_problem(where, dict(item)) for item in error.errors()]
    names = [playbook.name for playbook in found]
    for name in sorted({name for name in names if names.count(name) > 1}):
        rule = f"gives {name} {names.count(name)} times"
        remedy = "give each playbook a name of its own"
        problems.append(Problem("config", place, rule, remedy=remedy))
    return found, problems


def _problem(where: str, item: Mapping[str, object]) -> Problem:
    loc = item["loc"]
    key = ".".join([where, *(str(part) for part in loc)]) if isinstance(loc, tuple) else where
    rule = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        rule = "is no key of a playbook"
    return Problem("config", key, rule, remedy="see docs/warnings.md")
