"""Progress as people see it."""

from __future__ import annotations

import io

from rich.console import Console

from features.progress import Step
from pipelines.progress import show_bar, write_lines


def test_a_step_is_a_plain_line_to_whoever_only_writes_it() -> None:
    assert Step("churn model", "refit", 0.4) == "churn model, 40 %: refit"


def test_lines_tell_the_time_left_at_the_pace_so_far() -> None:
    times = iter([0.0, 10.0, 10.0, 30.0, 410.0, 420.0])
    lines: list[str] = []
    tell = write_lines(lines.append, clock=lambda: next(times))
    tell("reading accounts")
    for share in (0.0, 0.25, 0.5, 1.0):
        tell(Step("churn model", "fit", share))
    assert [line.strip() for line in lines] == [
        "10.0 s  reading accounts",
        "10.0 s  churn model, 0 %: fit",
        "30.0 s  churn model, 25 %: fit, about 60 s left",
        "410.0 s  churn model, 50 %: fit, about 7 min left",
        "420.0 s  churn model, 100 %: fit",
    ]


def test_every_task_has_a_pace_of_its_own() -> None:
    times = iter([0.0, 0.0, 50.0, 60.0])
    lines: list[str] = []
    tell = write_lines(lines.append, clock=lambda: next(times))
    tell(Step("churn model", "fit", 0.0))
    tell(Step("renewal model", "fit", 0.0))
    tell(Step("renewal model", "refit", 0.5))
    assert lines[-1].endswith("50 %: refit, about 10 s left")


def test_a_terminal_shows_a_bar_that_fills_and_the_step() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, _environ={"TERM": "xterm"})
    with show_bar(console) as tell:
        tell("reading accounts")
        tell(Step("churn model", "fit", 0.0))
        tell(Step("churn model", "refit", 0.5))
        tell("recording the churn model")
    shown = screen.getvalue()
    assert "recording the churn model" in shown
