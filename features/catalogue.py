"""The feature catalogue: one declarative entry per feature, for training, scoring, docs and page.

``entries/<group>.yaml`` holds the entries as templates; here they are filled in for a company's
windows, measures and attributes, and those that its tables cannot carry are left out with a notice.
In an entry ``{w}`` stands for each of ``time.windows_days``, ``{m}`` for each declared measure and
``{core}`` for the number of core events; ``{value}`` in a text is the value as people read it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from features import contract, measure, people, usage
from features.attribute import usable_attributes
from features.errors import InputError, Problem
from features.expression import Expression, Primitive, parse_expression
from features.settings import GRAIN_DAYS, CompanySettings

FUNCTIONS = usage.FUNCTIONS | measure.FUNCTIONS
GROUPS = ("activity", "value", "trend", "adoption", "people", "contract", "measures")
_TEXTS = ("text", "text_missing", "text_below_zero")


class Template(BaseModel):
    """An entry as it is written in ``entries/<group>.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    unit: str
    meaning: str
    missing: str
    sql: str
    text: str
    text_missing: str = ""
    text_below_zero: str = ""
    playbook: str
    practice: str
    for_measures: Literal["level", "flow"] | None = None
    sql_without_usage: str | None = None
    sql_without_contracts: str | None = None


@dataclass(frozen=True)
class Feature:
    """A feature of this company.

    Parameters
    ----------
    name, group, unit, meaning, missing, playbook, practice : str
        As the catalogue says; ``missing`` is what a null value means.
    text, text_missing, text_below_zero : str
        Driver wording; ``{value}`` stands for the value, without its sign in ``text_below_zero``.
    kind : {'number', 'category'}
    expression : Expression
        How it is computed.
    """

    name: str
    group: str
    unit: str
    meaning: str
    missing: str
    text: str
    text_missing: str
    text_below_zero: str
    playbook: str
    practice: str
    kind: Literal["number", "category"]
    expression: Expression

    def to_dict(self) -> dict[str, str]:
        """The entry as ``keepwell features --json`` prints it."""
        names = ("name", "group", "unit", "meaning", "missing", "playbook", "practice", "kind")
        return {name: getattr(self, name) for name in names} | {"sql": self.expression.sql}


@dataclass(frozen=True)
class Catalogue:
    """A company's features, and why the others are left out (feature name to reason)."""

    features: tuple[Feature, ...]
    left_out: dict[str, str]

    @property
    def groups(self) -> dict[str, str]:
        """Feature name to group."""
        return {feature.name: feature.group for feature in self.features}


@cache
def read_templates() -> tuple[Template, ...]:
    """The entries of every group, in the order of ``GROUPS`` and of their files."""
    folder = resources.files("features").joinpath("entries")
    return tuple(
        Template(group=group, **entry)
        for group in GROUPS
        for entry in yaml.safe_load(folder.joinpath(f"{group}.yaml").read_text(encoding="utf-8"))
    )


def build_catalogue(settings: CompanySettings, columns: dict[str, frozenset[str]]) -> Catalogue:
    """The features that this company's tables and configuration can carry.

    Parameters
    ----------
    settings : CompanySettings
    columns : dict of str to frozenset of str
        The columns that each table really has, by table name.
    """
    features: list[Feature] = []
    left_out: dict[str, str] = {}
    for template in read_templates():
        sql = _pick_sql(template, columns)
        for values in _fillings(template, settings):
            name = _fill(template.name, values)
            expression = parse_expression(_fill(sql, values), feature=name, functions=FUNCTIONS)
            reason = _reason_missing(expression, settings, columns)
            if reason:
                left_out[name] = reason
            else:
                features.append(_feature(template, values, expression))
    features += _attribute_features(settings, columns)
    left_out |= _attributes_left_out(settings, columns)
    _check_names(features)
    return Catalogue(tuple(features), left_out)


def _check_names(features: list[Feature]) -> None:
    """Refuse a measure or an attribute that would take the name of another feature."""
    names = Counter(feature.name for feature in features)
    problems = [
        Problem("config", name, "gives a feature of a name that is taken", remedy="rename it")
        for name, found in names.items()
        if found > 1
    ]
    if problems:
        raise InputError(problems)


def _pick_sql(template: Template, columns: dict[str, frozenset[str]]) -> str:
    if "usage" not in columns and template.sql_without_usage:
        return template.sql_without_usage
    if "contracts" not in columns and template.sql_without_contracts:
        return template.sql_without_contracts
    return template.sql


def _fillings(template: Template, settings: CompanySettings) -> list[dict[str, str]]:
    """What the placeholders of a template stand for, once per feature that it gives."""
    core = str(sum(event.core for event in settings.catalogue.values()))
    if template.for_measures:
        return [
            {"{m}": name, "{m_unit}": spec.unit or name, "{core}": core}
            for name, spec in settings.measures.items()
            if spec.kind == template.for_measures
        ]
    if "{w}" in template.name:
        return [{"{w}": str(days), "{core}": core} for days in settings.time.windows_days]
    return [{"{core}": core}]


def _fill(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _feature(template: Template, values: dict[str, str], expression: Expression) -> Feature:
    filled = {
        name: _fill(getattr(template, name), values)
        for name in ("name", "unit", "meaning", "missing", *_TEXTS)
    }
    return Feature(
        **filled,
        group=template.group,
        playbook=template.playbook,
        practice=template.practice,
        kind="number",
        expression=expression,
    )


def _reason_missing(
    expression: Expression, settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> str:
    """Why an expression cannot be computed here; empty when it can."""
    reasons = []
    for primitive in sorted(expression.primitives):
        reasons.append(_grain_reason(primitive, settings))
        table = primitive.name.partition(".")[0]
        if primitive.name in usage.FUNCTIONS:
            reasons.append(_usage_reason(primitive.name, settings, columns))
        elif primitive.name in measure.FUNCTIONS:
            reasons.append("" if "measures" in columns else "no table measures")
        elif table in ("contract", "account_contract"):
            reasons.append(_column_reason("contracts", contract.NEEDS[primitive.name], columns))
        elif table == "people":
            reasons.append(_people_reason(primitive.name, settings, columns))
    return next((reason for reason in reasons if reason), "")


def _grain_reason(primitive: Primitive, settings: CompanySettings) -> str:
    """Why a primitive is finer than the grain: its window is shorter, or it counts days."""
    windows = [int(part) for part in primitive.arguments if isinstance(part, int)][:1]
    windows += [people.USE_DAYS] if primitive.name in people.COUNTS_RECENT_USE else []
    counts_days = settings.time.grain != "day" and primitive.name in usage.COUNTS_DAYS
    if counts_days or any(days < GRAIN_DAYS[settings.time.grain] for days in windows):
        return f"finer than time.grain: {settings.time.grain}"
    return ""


def _usage_reason(name: str, settings: CompanySettings, columns: dict[str, frozenset[str]]) -> str:
    if "usage" not in columns:
        return "no table usage"
    if name in usage.NEEDS_USER and "user_id" not in columns["usage"]:
        return "usage has no user_id"
    if name == "seconds" and "duration_s" not in columns["usage"]:
        return "usage has no duration_s"
    kinds = settings.catalogue.values()
    if name == "value_actions" and not any(kind.value_action for kind in kinds):
        return "no event of the configuration's catalogue is a value_action"
    if name == "core_features" and not any(kind.core for kind in kinds):
        return "no event of the configuration's catalogue is core"
    if name == "active_modules" and not any(kind.module for kind in kinds):
        return "no event of the configuration's catalogue has a module"
    return ""


def _column_reason(table: str, needs: tuple[str, ...], columns: dict[str, frozenset[str]]) -> str:
    if table not in columns:
        return f"no table {table}"
    for need in needs:
        if not set(need.split("|")) & columns[table]:
            return f"{table} has no {need.replace('|', ' or ')}"
    return ""


def _people_reason(name: str, settings: CompanySettings, columns: dict[str, frozenset[str]]) -> str:
    reason = _column_reason("users", people.NEEDS[name], columns)
    if not reason and name in people.NEEDS_USE:
        reason = _column_reason("usage", ("user_id",), columns)
    if reason or "role" not in people.NEEDS[name]:
        return reason
    if "known_at" in columns["users"] or constant_roles(settings):
        return ""
    return "users.role is as of the extract: give users.known_at, or declare users.role constant"


def constant_roles(settings: CompanySettings) -> bool:
    """Whether the configuration declares that the roles of users never change."""
    declared = settings.attributes.get("users.role")
    return declared is not None and declared.constant


def _attributes_left_out(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> dict[str, str]:
    """Attributes whose value on a past date is not known; ``users`` gives no features by itself."""
    usable = usable_attributes(settings, columns)
    reason = "as of the extract: give accounts.known_at, or declare the attribute constant"
    return {
        key: reason
        for key in settings.attributes
        if not key.startswith("users.") and key.split(".")[-1] not in usable
    }


def _attribute_features(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> list[Feature]:
    features = []
    for name, table in usable_attributes(settings, columns).items():
        spec = settings.attributes.get(name) or settings.attributes[f"{table}.{name}"]
        words = name.replace("_", " ")
        features.append(
            Feature(
                name=name,
                group="attributes",
                unit=spec.unit or spec.kind,
                meaning=f"{words} of the {table.removesuffix('s')}, as declared under attributes.",
                missing="not known",
                text=f"{words}: {{value}}",
                text_missing=f"{words} unknown",
                text_below_zero="",
                playbook="review",
                practice="Who the customer is.",
                kind=spec.kind,
                expression=parse_expression(f"attribute.{name}", feature=name, functions=FUNCTIONS),
            )
        )
    return features
