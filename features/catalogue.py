"""The feature catalogue: one declarative entry per feature, for training, scoring, docs and page.

``entries/<group>.yaml`` holds the entries as templates; here they are filled in for a company's
windows, measures and attributes, and those that its tables cannot carry are left out with a notice.
In an entry ``{w}`` stands for each of ``time.windows_days``, ``{m}`` for each declared measure,
``{module}`` and ``{event}`` for each module and core event, ``{features}``, ``{modules}`` and
``{core}`` for how many there are; ``{value}`` in a text is the value as people read it, and a noun
before ``{s}`` is in its number.
An entry may do without the tables that it lists under ``optional``: what they say is null then.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal

import yaml

from features.attribute import BUILT_IN, NAMES, NO_FEATURE, attribute_kind, usable_attributes
from features.entry import OWN_GROUP, Template
from features.errors import InputError, Problem
from features.expression import Expression, parse_expression
from features.phrase import ATTRIBUTE_TEXTS, Phrases
from features.primitive import FUNCTIONS, fit_expression
from features.settings import CompanySettings

GROUPS = (
    *(
        "activity",
        "value",
        "trend",
        "adoption",
        "onboarding",
        "people",
        "lifecycle",
        "contract",
        "support",
    ),
    *("voice", "relationship", "money", "fit", "measures"),
)
# libyaml, where PyYAML has it, reads the entries ten times as fast.
_SAFE: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
FACTS = ("arr", "tenure_days", "days_to_renewal", "events_change_28d")
_UNWANTED = "left out by the configuration"
_TEXTS = ("unit", "meaning", "text", "text_missing", "text_below_zero")


@dataclass(frozen=True)
class Feature:
    """A feature of this company.

    Parameters
    ----------
    name, group, unit, meaning, missing, playbook, practice : str
        As the catalogue says; ``missing`` is what a null value means.
    text, text_missing, text_below_zero : str
        Driver wording; ``{value}`` stands for the value, without its sign in ``text_below_zero``,
        ``{s}`` for the plural of what it counts, see `features.wording.describe`.
    kind : {'number', 'category'}
    expression : Expression
        How it is computed.
    direction : {'raises', 'lowers'} or None
        What a higher value does to the risk of loss, other things equal; None: nothing is said.
    agreed : bool
        Whether the value follows from dates that were agreed beforehand.
    in_models : bool
        Whether models see it; warnings, playbooks and health read the others too.
    phrases : Phrases or None
        The texts before they were filled in; None for a column of which nothing is known.
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
    direction: Literal["raises", "lowers"] | None = None
    agreed: bool = False
    in_models: bool = True
    phrases: Phrases | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, str | bool | None]:
        """The entry as ``keepwell features --json`` prints it."""
        names = ("name", "group", "unit", "meaning", "missing", "playbook", "practice", "kind")
        found = {name: getattr(self, name) for name in (*names, "direction")}
        return found | {"in_models": self.in_models, "sql": self.expression.sql}


@dataclass(frozen=True)
class Catalogue:
    """A company's features, and why the others are left out (feature name to reason).

    ``facts`` are computed too, though the configuration leaves them out: rows are told by them.
    """

    features: tuple[Feature, ...]
    left_out: dict[str, str]
    facts: tuple[Feature, ...] = ()

    @property
    def computed(self) -> tuple[Feature, ...]:
        """All that is computed for a row."""
        return self.features + self.facts

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
        for entry in yaml.load(
            folder.joinpath(f"{group}.yaml").read_text(encoding="utf-8"), Loader=_SAFE
        )
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
    for template in (*read_templates(), *settings.features):
        for values in _fillings(template, settings):
            name = _name(template, values)
            if template.group in settings.leave_out and name not in FACTS:
                left_out[name] = _UNWANTED
                continue
            sql = _sql(template, values)
            written = parse_expression(sql, feature=name, functions=FUNCTIONS)
            expression, reason = fit_expression(
                written, settings, columns, optional=template.optional
            )
            if reason:
                left_out[name] = reason
            else:
                features.append(_feature(template, values, expression))
    features += _attribute_features(settings, columns)
    left_out |= _attributes_left_out(settings, columns)
    _check_names(features)
    given = {feature.name for feature in features}
    left_out = {name: reason for name, reason in left_out.items() if name not in given}
    _check_left_out(settings, features, left_out)
    unwanted = [f for f in features if {f.name, f.group} & set(settings.leave_out)]
    left_out |= {feature.name: _UNWANTED for feature in unwanted}
    return Catalogue(
        tuple(feature for feature in features if feature not in unwanted),
        left_out,
        tuple(feature for feature in unwanted if feature.name in FACTS),
    )


def _check_left_out(
    settings: CompanySettings, features: list[Feature], left_out: dict[str, str]
) -> None:
    """Refuse to leave out what is neither a group nor a feature."""
    known = {*GROUPS, OWN_GROUP, "attributes", *left_out, *(feature.name for feature in features)}
    problems = [
        Problem("config", f"leave_out.{name}", "is neither a feature nor a group of them",
                remedy=f"groups are {', '.join(GROUPS)}")
        for name in settings.leave_out
        if name not in known
    ]  # fmt: skip
    if problems:
        raise InputError(problems)


def filled_entries(template: Template, settings: CompanySettings) -> list[tuple[str, str]]:
    """Name and SQL of every feature that an entry gives under a configuration."""
    return [
        (_name(template, values), _sql(template, values))
        for values in _fillings(template, settings)
    ]


def possible_units(settings: CompanySettings) -> dict[str, str]:
    """The unit of every number that a company under this configuration may have as a feature.

    Whether it has it depends on its tables; a unit that is a measure's stands as its placeholder.
    """
    units = {
        name: template.unit
        for template in (*read_templates(), *settings.features)
        if template.kind == "number"
        for name, _ in filled_entries(template, settings)
    }
    return units | {
        key.rpartition(".")[2]: spec.unit or spec.kind
        for key, spec in settings.attributes.items()
        if spec.kind == "number" and key not in NO_FEATURE
    }


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


def _fillings(template: Template, settings: CompanySettings) -> list[dict[str, str]]:
    """What the placeholders of a template stand for, once per feature that it gives."""
    kinds = settings.catalogue
    modules = sorted({kind.module for kind in kinds.values() if kind.module is not None})
    core = [event for event, kind in kinds.items() if kind.core]
    counts = {
        "{features}": str(len(kinds)),
        "{modules}": str(len(modules)),
        "{core}": str(len(core)),
    }
    found: list[dict[str, str]] = [{}]
    if template.for_measures:
        found = [
            {"{m}": name, "{m_unit}": spec.unit or name}
            for name, spec in settings.measures.items()
            if spec.kind == template.for_measures
        ]
    elif template.for_modules:
        found = [{"{module}": name} for name in modules]
    elif template.for_events:
        found = [{"{event}": name} for name in core]
    elif "{w}" in template.name:
        found = [{"{w}": str(days)} for days in settings.time.windows_days]
    return [values | counts for values in found]


def _name(template: Template, values: dict[str, str]) -> str:
    """A feature's name: of a module's or an event's name only letters, digits and underscores."""
    plain = {place: re.sub(r"\W+", "_", value) for place, value in values.items()}
    return _fill(template.name, plain)


def _sql(template: Template, values: dict[str, str]) -> str:
    """An entry's SQL; placeholders may stand in quotes."""
    return _fill(template.sql, {place: text.replace("'", "''") for place, text in values.items()})


def _fill(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _feature(template: Template, values: dict[str, str], expression: Expression) -> Feature:
    phrases = Phrases(**{name: getattr(template, name) for name in _TEXTS}, filled=values)
    return Feature(
        **{name: _fill(getattr(template, name), values) for name in ("missing", *_TEXTS)},
        phrases=phrases,
        name=_name(template, values),
        group=template.group,
        playbook=template.playbook,
        practice=template.practice,
        kind=template.kind,
        expression=expression,
        direction=template.direction,
        agreed=template.agreed,
        in_models=template.in_models,
    )


def _attributes_left_out(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> dict[str, str]:
    """Attributes that name somebody, and those whose value on a past date is not known.

    ``users`` gives no features by itself.
    """
    usable = usable_attributes(settings, columns)
    reason = "as of the extract: give accounts.known_at, or declare the attribute constant"
    names = {key: "names a person or an account" for key in settings.attributes if key in NAMES}
    return names | {
        key: reason
        for key in settings.attributes
        if key not in NO_FEATURE
        and not key.startswith("users.")
        and key.split(".")[-1] not in usable
    }


def _attribute_features(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> list[Feature]:
    """What is declared beyond the attributes that have entries of their own."""
    features = []
    for name, table in usable_attributes(settings, columns).items():
        if table == "accounts" and name in BUILT_IN:
            continue
        spec = settings.attributes.get(name) or settings.attributes[f"{table}.{name}"]
        unit = spec.unit or spec.kind
        values = {"{attribute}": name.replace("_", " "), "{table}": table.removesuffix("s")}
        phrases = Phrases(unit, **ATTRIBUTE_TEXTS, text_below_zero="", filled=values)
        features.append(
            Feature(
                name=name,
                group="attributes",
                unit=unit,
                missing="not known",
                meaning=phrases.fill(phrases.meaning),
                text=phrases.fill(phrases.text),
                text_missing=phrases.fill(phrases.text_missing),
                text_below_zero="",
                phrases=phrases,
                playbook="review",
                practice="Who the customer is.",
                kind=attribute_kind(name, table, settings),
                expression=parse_expression(f"attribute.{name}", feature=name, functions=FUNCTIONS),
            )
        )
    return features
