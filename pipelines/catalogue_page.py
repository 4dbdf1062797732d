"""The catalogue for people: as a list, as the reference page, and as the SQL that computes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import sqlglot

from features.catalogue import Catalogue, Feature, build_catalogue, read_templates
from features.entry import Template
from features.errors import InputError, Problem
from features.need import table_needs
from features.primitive import FAMILIES, FUNCTIONS
from features.progress import Progress, silent
from features.settings import CompanySettings
from features.source import Source
from features.statement import feature_statements
from pipelines.config import Config
from pipelines.row_export import export_rows

_KEYS = ("name", "group", "unit", "meaning", "missing", "playbook", "practice", "kind",
         "direction", "in_models", "sql")  # fmt: skip
# What a higher value does, for people.
_DIRECTIONS = {"raises": "raises the risk of loss", "lowers": "lowers the risk of loss"}


def describe_company(
    config: Config, source: Source, *, sql: bool, export: Path | None, progress: Progress = silent
) -> tuple[str, dict[str, object]]:
    """What ``keepwell features`` tells of a company: as text, and as a JSON document.

    Parameters
    ----------
    config : Config
    source : Source
    sql : bool
        How the features are computed, instead of the list.
    export : Path, optional
        Folder to which the rows are written; then what was written, instead of the list.
    progress : callable
    """
    if export is not None:
        written = export_rows(source, export, slices=config.slices, progress=progress)
        lines = [f"{f.path}: {f.rows:,} rows, {f.features} features" for f in written.values()]
        return "\n".join(lines), {"exported": {name: f.to_json() for name, f in written.items()}}
    catalogue = build_catalogue(config, source.columns)
    if sql:
        statements = feature_sql(catalogue, config, source.columns)
        return statements, {"sql": statements}
    return "\n".join(list_catalogue(catalogue)), catalogue_json(catalogue)


def check_options(
    *, config: Path | None, sql: bool, export: Path | None, markdown: bool, json_: bool
) -> None:
    """Refuse options of ``keepwell features`` that do not go together.

    Raises
    ------
    InputError
        With the options that clash, or that need a company.
    """
    given = [name for name, on in (("--sql", sql), ("--export", export)) if on]
    clash = [*given, *(["--markdown"] if markdown else [])]
    problems = []
    if len(clash) > 1:
        rule = f"{' and '.join(clash)} do not go together"
        problems.append(Problem("features", "", rule, remedy="give one of them"))
    if given and config is None:
        rule = "needs the tables of a company"
        problems.append(Problem(given[0], "", rule, remedy="give its YAML file with --config"))
    if markdown and (json_ or config is not None):
        rule = "prints the page of the whole catalogue"
        problems.append(Problem("--markdown", "", rule, remedy="give it alone"))
    if problems:
        raise InputError(problems)


def template_json() -> dict[str, object]:
    """The whole catalogue as ``keepwell features --json`` prints it without a company."""
    features = [{key: getattr(template, key) for key in _KEYS} for template in read_templates()]
    return {"features": features, "left_out": {}}


def catalogue_json(catalogue: Catalogue) -> dict[str, object]:
    """A company's catalogue as ``keepwell features --json`` prints it."""
    return {
        "features": [feature.to_dict() for feature in catalogue.features],
        "left_out": catalogue.left_out,
    }


def list_templates() -> Iterator[str]:
    """The whole catalogue, a line per entry under its group."""
    yield from _listed(read_templates())
    yield ""
    yield "{w}: days of each window; {m}: each declared measure; --config FILE fills them in"


def list_catalogue(catalogue: Catalogue) -> Iterator[str]:
    """A company's features, a line each under its group, then those left out and why."""
    yield from _listed(catalogue.features)
    if not catalogue.left_out:
        return
    yield f"\nleft out ({len(catalogue.left_out)})"
    by_reason: dict[str, list[str]] = {}
    for name, reason in catalogue.left_out.items():
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield f"  {reason}: {', '.join(names)}"


def _listed(lines: Sequence[Feature | Template]) -> Iterator[str]:
    width = max((len(entry.name) for entry in lines), default=0)
    unit = max((len(entry.unit) for entry in lines), default=0)
    for number, (group, members) in enumerate(groupby(lines, key=lambda entry: entry.group)):
        found = list(members)
        yield f"{'' if number == 0 else chr(10)}{group} ({len(found)})"
        for entry in found:
            yield f"  {entry.name:<{width}}  {entry.unit:<{unit}}  {entry.meaning}"


def feature_sql(
    catalogue: Catalogue, settings: CompanySettings, columns: Mapping[str, frozenset[str]]
) -> str:
    """The SQL by which a company's features are computed, to be read.

    Tables of primitives first, then the features over them, in DuckDB's dialect.
    """
    statements, query = feature_statements(catalogue, settings, columns)
    note = (
        "-- Windows over usage are given as Spark runs them; on one machine features/usage.py\n"
        "-- computes the same figures from the rollup, and tests compare the two."
    )
    return "\n\n".join([note, *(f"{_pretty(made)};" for made in (*statements, query))])


def _pretty(statement: str) -> str:
    return sqlglot.parse_one(statement, dialect="duckdb").sql(dialect="duckdb", pretty=True)


def reference_page() -> str:
    """``docs/features.md``: every entry of the catalogue with all that is said of it."""
    templates = read_templates()
    lines = [_PREFACE, *_overview(templates)]
    for group, members in groupby(templates, key=lambda template: template.group):
        lines += ["", f"## {group}"]
        for template in members:
            lines += ["", *_entry(template)]
    return "\n".join([*lines, "", _PRIMITIVES, *_primitive_names()]) + "\n"


_PREFACE = """# The features

This page is generated from `features/entries/` by `keepwell features --markdown`; a test fails when
it is stale. `keepwell features --config FILE` lists what the tables of a company carry, and why the
others are left out; with `--sql` it prints how they are computed.

A feature of a row uses only what was known before the row's as-of date. An entry gives one feature, or
one for each window (`{w}` days of `time.windows_days`), declared measure (`{m}`, its unit `{m_unit}`),
module (`{module}`) or core event (`{event}`) where these stand in its name. `{core}`, `{features}` and
`{modules}` are the numbers of core events, events and modules in the configuration's `catalogue`, `{value}`
is the value as people read it; `{s}` is the plural of what it counts (“1 open ticket”, “2 open tickets”), and a text
that begins with such a count says “no open ticket” for 0. *Missing* says what a null value means: it is never a zero. *Needs* are
the tables, columns and keys of `catalogue` without which a feature is left out. Where an entry says what a
higher value does, no model may say the opposite of it.
"""  # noqa: E501  # the page's own width
_PRIMITIVES = """## Primitives

The SQL of an entry is one expression over these, of yours too (see the configuration's `features`).
Functions take the length of a window in days and, where it makes sense, how many days before the as-of
date it ends: `events(28, 28)` are the four weeks before the last four. A measure or an event is named
first: `measure_sum('gb', 28)`.
"""  # noqa: E501


def _overview(templates: tuple[Template, ...]) -> Iterator[str]:
    yield "| group | entries |"
    yield "| --- | --- |"
    for group, members in groupby(templates, key=lambda template: template.group):
        yield f"| [{group}](#{group}) | {len(list(members))} |"


def _entry(template: Template) -> Iterator[str]:
    yield f"### `{template.name}`"
    yield ""
    kind = ", a category" if template.kind == "category" else ""
    yield f"{template.meaning} Unit: {template.unit}{kind}."
    yield ""
    yield f"- Missing: {template.missing}."
    yield f"- In words: {'; '.join(_wordings(template))}."
    if template.direction is not None:
        yield f"- A higher value {_DIRECTIONS[template.direction]}, other things equal."
    if not template.in_models:
        yield "- No model sees it: warnings, playbooks and health read it."
    yield f"- Playbook: `{template.playbook}`. Practice: {template.practice}"
    yield f"- Needs: {', '.join(f'`{need}`' for need in table_needs(template)) or 'nothing'}."
    yield ""
    yield "```sql"
    yield template.sql.strip()
    yield "```"


def _wordings(template: Template) -> Iterator[str]:
    yield f"“{template.text}”"
    if template.text_below_zero:
        yield f"below zero “{template.text_below_zero}”"
    if template.text_missing:
        yield f"missing “{template.text_missing}”"


def _primitive_names() -> Iterator[str]:
    """The names that an entry's SQL may use."""
    yield f"- Functions: {', '.join(f'`{name}`' for name in sorted(FUNCTIONS))}."
    for family in FAMILIES:
        names = ", ".join(f"`{name}`" for name in sorted(family.figures))
        yield f"- Of {' and '.join(f'`{table}`' for table in family.tables)}: {names}."
    yield "- Of `accounts` and `contracts`, for each attribute: `attribute.NAME`."
