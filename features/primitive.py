"""All primitives that features can be made of, and why one cannot be had from a company's tables.

``FAMILIES`` is what tables other than usage and measures say; the engine builds it in this order.
"""

from __future__ import annotations

from features import (
    contract,
    invoice,
    kin,
    measure,
    milestone,
    people,
    succession,
    survey,
    ticket,
    touchpoint,
    usage,
)
from features.attribute import usable_attributes
from features.expression import Expression, Primitive, drop_primitives
from features.family import Columns, Family, why_unmet
from features.settings import GRAIN_DAYS, CompanySettings

FUNCTIONS = usage.FUNCTIONS | measure.FUNCTIONS
FAMILIES: tuple[Family, ...] = (
    people.FAMILY,
    contract.FAMILY,
    succession.FAMILY,
    milestone.FAMILY,
    ticket.FAMILY,
    survey.FAMILY,
    survey.DETRACTORS,
    touchpoint.FAMILY,
    touchpoint.MIDTERM,
    invoice.FAMILY,
    kin.FAMILY,
)
# Functions whose first argument is a name: of an event, a module, a measure.
NAMED = frozenset({"event_used", "module_events"}) | measure.FUNCTIONS
# How many numbers a function takes, at least and at most, where it is not a window's one or two.
WINDOWS = {
    **dict.fromkeys(("days_since_use", "days_since_first_use", "days_since_value"), (0, 0)),
    **dict.fromkeys(("days_to_first_value", "value_to_date", "days_as_customer"), (0, 0)),
    **dict.fromkeys(("measure_last", "measure_age", "measure_first"), (0, 0)),
    **dict.fromkeys(("users_gained", "users_lost", "modules_dropped", "longest_silence"), (1, 1)),
    **dict.fromkeys(("best_week", "weekly_slope", "weeks_declining"), (1, 1)),
    "active_weeks_of_first": (1, 1),
}
# What the primitives of usage need beyond the table itself.
_USAGE_NEEDS = {
    "usage.user_id": usage.NEEDS_USER,
    "usage.duration_s": {"seconds"},
    "usage.session_id": {"sessions"},
    "event.value_action": {"value_actions", "days_since_value", "value_to_date",
                           "days_to_first_value"},
    "event.view": {"views"},
    "event.core": {"core_features"},
    "event.hard_to_leave": {"hard_to_leave_features"},
    "event.module": {"active_modules", "modules_dropped", "module_events", "module_concentration"},
}  # fmt: skip


def declared_names(function: str, settings: CompanySettings) -> frozenset[str]:
    """The names that a function of ``NAMED`` may be given under a configuration."""
    if function in measure.FUNCTIONS:
        return frozenset(settings.measures)
    modules = frozenset(kind.module for kind in settings.catalogue.values() if kind.module)
    return modules if function == "module_events" else frozenset(settings.catalogue)


def find_family(name: str) -> Family | None:
    """The family that has a primitive of this name."""
    return next((family for family in FAMILIES if name in family.figures), None)


def fit_expression(
    expression: Expression,
    settings: CompanySettings,
    columns: Columns,
    *,
    optional: tuple[str, ...] = (),
) -> tuple[Expression, str]:
    """The expression as this company's tables carry it, and why they do not, if so.

    Parameters
    ----------
    expression : Expression
    settings : CompanySettings
    columns : mapping of str to frozenset of str
        The columns that each table really has.
    optional : tuple of str
        Tables whose primitives are null where they cannot be had, as long as one can be.
    """
    reasons = {p: reason_missing(p, settings, columns) for p in sorted(expression.primitives)}
    absent = frozenset(
        p
        for p, reason in reasons.items()
        if reason and _home(p) in optional and not _is_finer_than_grain(p, settings)
    )
    if absent == expression.primitives:
        absent = frozenset()
    needed = (reason for p, reason in reasons.items() if p not in absent)
    reason = next((reason for reason in needed if reason), "")
    return drop_primitives(expression, absent), reason


def _home(primitive: Primitive) -> str:
    """The table that a primitive speaks of."""
    if primitive.name in usage.FUNCTIONS:
        return "usage"
    if primitive.name in measure.FUNCTIONS:
        return "measures"
    family = find_family(primitive.name)
    return family.tables[0] if family else "accounts"


def primitive_needs(primitive: Primitive) -> tuple[str, ...]:
    """What a primitive cannot do without, its home table first: ``table``, ``table.column``.

    ``|`` stands between columns of which one will do; ``event.core`` is an event that the
    configuration's catalogue calls so.
    """
    name = primitive.name
    if name in usage.FUNCTIONS:
        return ("usage", *(need for need, names in _USAGE_NEEDS.items() if name in names))
    if name in measure.FUNCTIONS:
        return ("measures",)
    family = find_family(name)
    if family is None:
        return ("accounts", f"accounts.{name.partition('.')[2]}")
    return (*family.tables, *family.figures[name].needs)


def reason_missing(primitive: Primitive, settings: CompanySettings, columns: Columns) -> str:
    """Why a primitive cannot be computed here; empty when it can."""
    if _is_finer_than_grain(primitive, settings):
        return f"finer than time.grain: {settings.time.grain}"
    if primitive.name in usage.FUNCTIONS:
        reasons = (why_unmet(need, settings, columns) for need in primitive_needs(primitive))
        return next((reason for reason in reasons if reason), "")
    if primitive.name in measure.FUNCTIONS:
        return "" if "measures" in columns else "no table measures"
    table, _, name = primitive.name.partition(".")
    if table == "attribute":
        if name in usable_attributes(settings, columns):
            return ""
        return why_unmet(f"accounts.{name}", settings, columns) or f"there is no {primitive.name}"
    family = find_family(primitive.name)
    if family is None:
        return f"there is no {primitive.name}"
    return family.reason_missing(primitive.name, settings, columns)


def _is_finer_than_grain(primitive: Primitive, settings: CompanySettings) -> bool:
    """Whether a primitive's window is shorter than what a row may stand for, or it counts days."""
    windows = [int(part) for part in primitive.arguments if isinstance(part, int)][:1]
    family = find_family(primitive.name)
    windows += [family.figures[primitive.name].span or 366] if family else []
    counts_days = settings.time.grain != "day" and primitive.name in usage.COUNTS_DAYS
    return counts_days or any(days < GRAIN_DAYS[settings.time.grain] for days in windows)
