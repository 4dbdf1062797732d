"""Which tables and columns an entry of the catalogue cannot do without."""

from __future__ import annotations

from features.catalogue import filled_entries
from features.entry import Template
from features.expression import parse_expression
from features.primitive import FUNCTIONS, primitive_needs
from features.settings import CompanySettings, EventSettings, MeasureSettings

# A configuration under which every entry gives a feature.
SAMPLE = CompanySettings(
    tables={},
    measures={kind: MeasureSettings(kind=kind) for kind in ("level", "flow")},
    catalogue={"event": EventSettings(module="module", core=True, value_action=True)},
)


def table_needs(template: Template) -> tuple[str, ...]:
    """The tables, and columns as ``table.column``, that an entry needs.

    Columns with ``or`` between them: one will do. Tables that the entry lists as optional are
    left away, as long as one remains.
    """
    name, sql = filled_entries(template, SAMPLE)[0]
    expression = parse_expression(sql, feature=name, functions=FUNCTIONS)
    needs = {primitive: primitive_needs(primitive) for primitive in sorted(expression.primitives)}
    firm = {p: found for p, found in needs.items() if found[0] not in template.optional}
    listed = {need: need.partition(".")[0] for found in (firm or needs).values() for need in found}
    columns = {table for need, table in listed.items() if need != table}
    return tuple(_shown(need) for need, table in listed.items() if need not in columns)


def _shown(need: str) -> str:
    """A need as the page shows it."""
    return need.replace("event.", "catalogue.NAME.").replace("|", " or ")
