"""A user's own features, checked before any work: what they are named and what they compute."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from features.attribute import BUILT_IN
from features.catalogue import build_catalogue, filled_entries
from features.entry import Template
from features.errors import InputError
from features.expression import Expression, Primitive, parse_expression
from features.need import SAMPLE
from features.outcome_name import states_outcome
from features.primitive import FUNCTIONS, NAMED, WINDOWS, declared_names, find_family
from features.schema import TABLES
from features.settings import COLUMN_NAME, CompanySettings
from features.statement import SQL_TYPES

Fault = tuple[str, str, str]  # key, what is wrong, remedy
_REFERENCE = "see docs/features.md"
_LONGEST = 3650  # days
# What the rows of a dataset bear beside the features.
_ROW_COLUMNS = frozenset(
    {"account_id", "contract_id", "as_of", "label", "label_known_at", "group_id", "headline"}
    | {"decision_date", "outcome", "lead_band", "tenure_band", "worked_on"}
)
# What would read beyond the row, or give another value at every run.
_REFUSED = {
    exp.Query: "holds a subquery",
    exp.AggFunc: "aggregates over rows",
    exp.Window: "looks at other rows",
    exp.UDTF: "gives several rows",
    exp.Explode: "gives several rows",
    exp.CurrentDate: "asks for today",
    exp.CurrentTime: "asks for the time",
    exp.CurrentTimestamp: "asks for the time",
    exp.Localtime: "asks for the time",
    exp.Localtimestamp: "asks for the time",
    exp.Rand: "is random",
    exp.Uuid: "is random",
}


def own_faults(settings: CompanySettings) -> list[tuple[int, str, str, str]]:
    """What is wrong with the entries under ``features``, whatever tables the company has.

    Parameters
    ----------
    settings : CompanySettings

    Returns
    -------
    list of (int, str, str, str)
        Index of the entry, its key, what is wrong and the remedy.
    """
    if not settings.features:
        return []
    taken = _shipped_names(settings) | _ROW_COLUMNS
    faults = []
    for index, template in enumerate(settings.features):
        found = [*_name_faults(template, taken, settings), *_sql_faults(template, settings)]
        faults += [(index, *fault) for fault in found]
        taken |= _names(template, settings)
    return faults


def possible_features(settings: CompanySettings) -> set[str]:
    """The names of all features that a company may ever have, its own included."""
    own = (_names(template, settings) for template in settings.features)
    return _shipped_names(settings).union(*own)


def _shipped_names(settings: CompanySettings) -> set[str]:
    """The names of all features that the tables of this configuration may ever carry."""
    declared = {key.rpartition(".")[2] for key in settings.attributes}
    columns = {
        name: frozenset(column.name for column in table.columns)
        | (declared if name in ("accounts", "contracts") else set())
        for name, table in TABLES.items()
    }
    catalogue = build_catalogue(settings.model_copy(update={"features": ()}), columns)
    return {name.lower() for name in (*catalogue.groups, *catalogue.left_out)}


def _names(template: Template, settings: CompanySettings) -> set[str]:
    """The names of the features that an entry gives, in lower case: DuckDB reads them so."""
    return {name.lower() for name, _ in filled_entries(template, settings)}


def _name_faults(template: Template, taken: set[str], settings: CompanySettings) -> Iterator[Fault]:
    names = [name for name, _ in filled_entries(template, settings)]
    wrong = [name for name in names if not COLUMN_NAME.fullmatch(name)]
    if wrong:
        rule = f"must give names of letters, digits and underscores, not {wrong[0]!r}"
        yield "name", rule, "see the placeholders in docs/features.md"
    clash = [name for name in names if name.lower() in taken or names.count(name) > 1]
    if clash:
        yield "name", f"{clash[0]} is taken", "rename it, with a placeholder where it gives several"
    if states_outcome(template.name):
        yield "name", "states an outcome", "name it by what is known beforehand"
    if not COLUMN_NAME.fullmatch(template.group):
        yield "group", "must be letters, digits and underscores", "rename it"


def _sql_faults(template: Template, settings: CompanySettings) -> list[Fault]:
    """What is wrong with the expression, in the order in which it is to be mended."""
    if not filled_entries(template, settings):  # it is for measures or modules that are not there
        there = {"measures": SAMPLE.measures, "catalogue": SAMPLE.catalogue}
        settings = settings.model_copy(update=there)
    name, sql = filled_entries(template, settings)[0]
    faults = list(_form_faults(sql))
    if faults:
        return faults
    try:
        expression = parse_expression(sql, feature=name, functions=FUNCTIONS)
    except InputError as error:
        return [("sql", problem.rule, problem.remedy) for problem in error.problems]
    faults = [
        ("sql", fault, _REFERENCE)
        for primitive in sorted(expression.primitives)
        if (fault := _primitive_fault(primitive, settings))
    ]
    return faults or list(_unknown_sql(expression, SQL_TYPES[template.kind]))


def _form_faults(sql: str) -> Iterator[Fault]:
    """SQL that does not parse, or that is more than an expression over primitives."""
    try:
        trees = sqlglot.parse(f"SELECT {sql}", dialect="duckdb")
    except SqlglotError as error:
        said = str(error).splitlines()[0]
        yield "sql", f"must be one expression of SQL: {said}", _REFERENCE
        return
    tree = trees[0]
    plain = isinstance(tree, exp.Select) and {k for k, v in tree.args.items() if v} <= {
        "expressions", "kind"
    }  # fmt: skip
    if tree is None or len(trees) != 1 or not plain or len(tree.expressions) != 1:
        yield "sql", "must be one expression of SQL", _REFERENCE
        return
    nodes = list(tree.expressions[0].walk())
    refused = {said for node in nodes for kind, said in _REFUSED.items() if isinstance(node, kind)}
    for said in sorted(refused):
        yield "sql", said, "compute it from what is known of the row alone"
    for node in nodes:
        if isinstance(node, exp.Column) and not node.table:
            known = ", ".join(f"{name}()" for name in sorted(FUNCTIONS))
            remedy = f"use {known}, or a column such as contract.discount"
            yield "sql", f"names {node.name}, which is no primitive", remedy


def _primitive_fault(primitive: Primitive, settings: CompanySettings) -> str:
    """Why the engine cannot know a primitive, whatever the tables; empty when it can."""
    table, _, name = primitive.name.partition(".")
    if primitive.name in FUNCTIONS:
        return _call_fault(primitive, settings)
    if states_outcome(name) and not find_family(primitive.name):
        return f"{primitive.name} states an outcome, which no feature may know"
    if table == "attribute":
        declared = {key.rpartition(".")[2] for key in settings.attributes}
        known = name in declared | set(BUILT_IN)
        return "" if known else f"{primitive.name} is not declared under attributes"
    return "" if find_family(primitive.name) else f"there is no {primitive.name}"


def _call_fault(primitive: Primitive, settings: CompanySettings) -> str:
    """What is wrong with the arguments of a function; empty when nothing is."""
    name, arguments = primitive.name, primitive.arguments
    if name in NAMED:
        first, arguments = arguments[:1], arguments[1:]
        declared = declared_names(name, settings)
        if not first or first[0] not in declared:
            return f"{name}() must name one of {', '.join(sorted(declared)) or 'nothing declared'}"
    least, most = WINDOWS.get(name, (1, 2))
    days = [part for part in arguments if isinstance(part, int)]
    if (
        len(days) != len(arguments)
        or not least <= len(days) <= most
        or any(not 0 <= part <= _LONGEST for part in days)
        or days[:1] == [0]
    ):
        said = "no length" if most == 0 else "a length, and perhaps how long ago it ends"
        return f"{name}() takes {said}, in whole numbers up to {_LONGEST}"
    return ""


def _unknown_sql(expression: Expression, sql_type: str) -> Iterator[Fault]:
    """Expressions that DuckDB does not know, tried over primitives that are all null."""
    columns = ", ".join(f"NULL AS {primitive.column}" for primitive in expression.primitives)
    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute(
                f"SELECT CAST({expression.sql} AS {sql_type}) FROM (SELECT {columns or 1})"
            )
        except duckdb.Error as error:
            yield "sql", f"cannot be computed: {str(error).splitlines()[0]}", "mend it"
