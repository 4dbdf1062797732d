"""The whole tree of Keepwell's exceptions.

KeepwellError
├── InputError        the user can mend it: shown without a traceback, exit code 2
├── TransientError    a passing fault (a server away, a locked file): a flow may retry it
└── InvariantError    a promise of ours is broken: our bug
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the user's input, and what to do about it.

    Parameters
    ----------
    table : str
        Contract table, or ``config`` for the configuration, or a file.
    column : str
        Column, key path or empty when the whole table is meant.
    rule : str
        What was expected, as a phrase: "must not be before start_date".
    rows : int
        Rows that break the rule; 0 when it is not about rows.
    examples : tuple of str
        The first few ids or values, never names of people.
    remedy : str
        What to do, as a phrase.
    action : str
        What Keepwell did: ``stop``, ``quarantine`` or ``allow``.
    """

    table: str
    column: str
    rule: str
    rows: int = 0
    examples: tuple[str, ...] = ()
    remedy: str = ""
    action: str = "stop"

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        count = f" ({self.rows:,} {'row' if self.rows == 1 else 'rows'})" if self.rows else ""
        seen = f"; seen: {', '.join(self.examples)}" if self.examples else ""
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"{place}: {self.rule}{count}{seen}{remedy}"

    def to_dict(self) -> dict[str, object]:
        """The problem as ``keepwell check --json`` prints it."""
        return {**asdict(self), "examples": list(self.examples)}


class KeepwellError(Exception):
    """Base of everything that Keepwell raises on purpose."""


class InputError(KeepwellError):
    """Input that the user can mend; carries every problem found, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class TransientError(KeepwellError):
    """A fault that may pass by itself; a flow retries it."""


class InvariantError(KeepwellError):
    """A promise that Keepwell makes to itself is broken."""
