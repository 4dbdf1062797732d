"""``keepwell demo``."""

from __future__ import annotations

from pipelines.command.opening import print_json
from pipelines.command.option import JsonOption, ReplaceOption


def demo(replace: ReplaceOption = False, json_: JsonOption = False) -> None:
    """Show who will leave a made-up company.

    Makes the company once, trains on it, scores it, and says what to do next.
    """
    from pipelines.demonstration import run_demo

    found = run_demo(show=not json_, replace=replace)
    if json_:
        print_json(found)
