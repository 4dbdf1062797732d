"""The rules of early warnings: as they are written, and as they are for one company."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from features.catalogue import Catalogue
from features.settings import CompanySettings
from models.alert import Severity
from models.bound import Bound
from models.settings import WarningSettings

SHIPPED = "shipped/warnings.yaml"
TURNED_OFF = "turned off by the configuration"
PLACE = "{module}"
Wording = dict[Literal["en", "zh"], str]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")]


class WarningRule(BaseModel):
    """A rule as it is written in ``shipped/warnings.yaml``.

    Parameters
    ----------
    name, severity, practice, playbook : str
    per : {'module', 'core_module'} or None
        One rule for each of them; ``{module}`` in the names of features stands for it.
    when : dict of feature name to Bound
        All must hold. The first feature is the one that `text` tells.
    title, text : dict of language to str
        ``{value}``, ``{subject}`` and ``{s}`` (the plural) are filled in.
    needs_any : tuple of str
        Tables of which one has to be there, where its features do without: they count 0 then.
    gives_way_to : tuple of str
        Rules that say the same of a later time: once one of them stands, this one closes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: RuleName
    severity: Severity
    per: Literal["module", "core_module"] | None = None
    when: dict[str, Bound] = Field(min_length=1)
    title: Wording
    text: Wording
    practice: str
    playbook: str
    needs_any: tuple[str, ...] = ()
    gives_way_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule for one subject of one company.

    Parameters
    ----------
    rule : WarningRule
    subject : str or None
        The module that it speaks of; None: the whole account.
    bounds : dict of feature name to Bound
        Of features that the company has.
    unit : str
        Of the first of them.
    """

    rule: WarningRule
    subject: str | None
    bounds: dict[str, Bound]
    unit: str

    @property
    def key(self) -> tuple[str, str | None]:
        """Rule and subject: of an account one warning stands for both."""
        return self.rule.name, self.subject

    @property
    def told(self) -> str:
        """The feature that is the evidence."""
        return next(iter(self.bounds))


@dataclass(frozen=True, slots=True)
class RuleBook:
    """What a company is watched for.

    Parameters
    ----------
    conditions : tuple of Condition
    off : dict of str to str
        Rules that are not evaluated, and why: nobody may take their silence for good news.
    """

    conditions: tuple[Condition, ...]
    off: dict[str, str]


@cache
def read_rules() -> tuple[WarningRule, ...]:
    """The shipped rules, in their order."""
    text = resources.files("models").joinpath(SHIPPED).read_text(encoding="utf-8")
    return tuple(WarningRule.model_validate(entry) for entry in yaml.safe_load(text))


def plan_rules(
    settings: CompanySettings, catalogue: Catalogue, chosen: WarningSettings
) -> RuleBook:
    """The rules that a company's features carry, and why the others are off.

    Parameters
    ----------
    settings : CompanySettings
        Whose modules are looked at one by one.
    catalogue : Catalogue
    chosen : WarningSettings
        What the configuration turns off or changes.
    """
    units = {feature.name: feature.unit for feature in catalogue.features}
    conditions: list[Condition] = []
    off: dict[str, str] = {}
    for rule in read_rules():
        if rule.name in chosen.leave_out:
            off[rule.name] = TURNED_OFF
            continue
        if rule.needs_any and not set(rule.needs_any) & set(settings.tables):
            off[rule.name] = f"no table {' or '.join(rule.needs_any)}"
            continue
        found, lacking = _conditions(rule, settings, units, chosen.thresholds.get(rule.name, {}))
        conditions += found
        if not found:
            off[rule.name] = _why(rule, lacking, catalogue.left_out)
    return RuleBook(tuple(conditions), off)


def _conditions(
    rule: WarningRule,
    settings: CompanySettings,
    units: Mapping[str, str],
    changed: Mapping[str, Bound],
) -> tuple[list[Condition], list[str]]:
    """A rule's conditions, and the first features that the company lacks for it."""
    found, lacking = [], []
    bounds = rule.when | dict(changed)
    for subject in _subjects(rule, settings):
        plain = re.sub(r"\W+", "_", subject or "")  # as the catalogue names its features
        filled = {name.replace(PLACE, plain): bound for name, bound in bounds.items()}
        missing = [name for name in filled if name not in units]
        lacking += missing[:1]
        if not missing:
            found.append(Condition(rule, subject, filled, units[next(iter(filled))]))
    return found, lacking


def _subjects(rule: WarningRule, settings: CompanySettings) -> Sequence[str | None]:
    if rule.per is None:
        return [None]
    return sorted(
        {
            kind.module
            for kind in settings.catalogue.values()
            if kind.module is not None and (kind.core or rule.per == "module")
        }
    )


def _why(rule: WarningRule, lacking: list[str], left_out: Mapping[str, str]) -> str:
    if not lacking:
        what = "core event with a module" if rule.per == "core_module" else "module"
        return f"the configuration's catalogue names no {what}"
    return f"needs {lacking[0]}: {left_out.get(lacking[0], 'no such feature here')}"


def threshold_faults(chosen: WarningSettings) -> list[tuple[str, str, str]]:
    """What is wrong with the section ``warnings`` of a configuration: key, rule, remedy."""
    rules = {rule.name: rule for rule in read_rules()}
    known = f"rules are {', '.join(rules)}"
    faults = [
        (f"warnings.leave_out.{name}", "is no rule of warnings", known)
        for name in chosen.leave_out
        if name not in rules
    ]
    for name, bounds in chosen.thresholds.items():
        if name not in rules:
            faults.append((f"warnings.thresholds.{name}", "is no rule of warnings", known))
            continue
        own = rules[name].when
        faults += [
            (
                f"warnings.thresholds.{name}.{feature}",
                "is no feature of this rule",
                f"it looks at {', '.join(own)}",
            )
            for feature in bounds
            if feature not in own
        ]
    return faults
