"""What is wrong with a command's input, named as whoever typed it knows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.errors import Problem

# The parts below know no command line: they name what they check.
TYPED = {
    ("keys", "name"): "NAME",
    ("keys", "scope"): "--scope",
    ("keys", "filter"): "--filter",
    ("keys", "expires_at"): "--expires-in",
    ("webhooks", "name"): "NAME",
    ("webhooks", "url"): "URL",
    ("export", "changed_since"): "--changed-since",
}


def name_typed(problem: Problem) -> Problem:
    """The same problem by the option or argument that it came from, where it came from one."""
    typed = TYPED.get((problem.table, problem.column))
    if typed is not None:
        return replace(problem, table=typed, column="")
    if problem.table == "row filter":
        return replace(problem, table=f"--filter {problem.column}".rstrip(), column="")
    return problem
