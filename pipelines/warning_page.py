"""The reference of early warnings and playbooks, docs/warnings.md, from what is shipped."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.bound import Bound
from models.playbook import Fit, Playbook, read_playbooks
from models.playbook_record import WITHIN
from models.warning_record import EARLY_DAYS, SPAN_DAYS
from models.warning_rule import WarningRule, read_rules

HEAD = """# Early warnings and playbooks

Written by `python -m pipelines.warning_page docs/warnings.md`; a test holds it to the shipped
rules.

A score run looks at every account that is a customer on the as-of date, in the same as-of rows
that are scored: a warning knows what was known before that midnight and nothing later. It carries
its evidence in plain words, the figure behind it, the day on which it was first seen, a severity
and a playbook; its owner is the account's. It names no person. Severity says when to act: `urgent`
this week, `soon` this month, `watch` keep in view.

## Rules

All of a rule's conditions must hold; a figure that is not known fulfils none but "is not known". A
rule whose figures a company's tables cannot give is off, and is listed as off with the reason (in
the snapshot's document `warnings` and in the backtest): its silence is no good news. Rules per
module make one warning for each. A week of one module is compared with its usual week, that of the
91 days before, where it has 28 events or more, since a smaller one halves by chance; over 28 days
smaller modules are compared, too.

| rule | severity | warns when | playbook | why |
| --- | --- | --- | --- | --- |
"""
LIFE = """
## Opened, kept, closed

One account has one warning for each rule and module. It is `opened` in one run and then `kept`
with its first day. Once its condition does not hold any more it stays for another run, in case
that was chance, and is `closed` when it did not hold in {runs} runs in a row
(`warnings.runs_to_close`); it then appears once as closed. A second run on the same as-of date
counts as no run. Rules that say the same of a later time close the one before at once: {chains}.

A warning can be muted until a day, for a reason (`POST /v1/accounts/{{id}}/warnings/mute`,
[api.md](api.md)): it stays a warning and is told as muted.

## Your own choice

```yaml
warnings:
  leave_out: [milestones_late]
  thresholds:
    seats_unused: {{login_ratio_91d: {{below: 0.2}}}}
  runs_to_close: 2
```

## What they were worth

`keepwell backtest` tells for each rule, on the as-of dates of the past and with the same code: the
warnings that it would have opened, how many of these were followed by a loss of the account within
{span} days (where that is known by now; the others are false alarms), how many losses it preceded
by {early} days or more, and how many days ahead it was opened (the median). Beside it stands how
many accounts are lost within {span} days anyway: a rule whose warnings are followed no more often
than that says nothing. A training writes the same down for the pages.

`keepwell demo` also tells it by the true cause of each loss (`warnings_by_cause`): the share
preceded by the rules that look at that cause, and by any; how many warnings of these rules no loss
followed; and how many rang where the cause did not act. The thresholds are round figures of
practice, fitted to no company; how often they ring was looked at on the made-up one, so its
figures flatter them a little.

## Playbooks

A feature of the catalogue and a rule each name a playbook. Those that list that name (`serves`)
are asked in order, your own first, and the first that fits is taken. An account is offered the two
or three that take up most of what raises its risk: its drivers by their contribution, its open
warnings by their severity. The account's page and `GET /v1/accounts/{{id}}/playbooks` name the
drivers and warnings that ask for each. One that gave notice is offered none: it is lost, and its
page asks why. What is not known of an account fits nothing that asks for
it.

| playbook | who | days | action | takes up | fits |
| --- | --- | --- | --- | --- | --- |
"""
OWN = """
Your own are added to the configuration, as a list or as the path of a file; one with the name of a
shipped one takes its place. The keys are in [config.md](config.md).

```yaml
playbooks:
  - name: invite-to-user-group
    title: {{en: Invite to the user group, zh: 邀请加入用户社群}}
    action: {{en: Invite the busiest user to the next user group.}}
    steps: {{en: [Ask what they would show, Name a date]}}
    who: csm
    due_days: 21
    serves: [build-habit]
    fits: {{stages: [active], experience_at_least: 70, when: {{active_users_28d: {{at_least: 3}}}}}}
```

What was started, done or dismissed is told with `POST /v1/accounts/{{id}}/playbooks`. A task is
overdue when it is open past its day. A warning counts as acted on in time when its playbook was
started or done on the account within {days} of the day on which it was first seen; those that are
only to be kept in view are not counted.
"""


def warnings_page() -> str:
    """The page as Markdown."""
    rules = "\n".join(map(_rule_row, read_rules()))
    chains = "; ".join(
        f"`{rule.name}` gives way to {_code(rule.gives_way_to)}"
        for rule in read_rules()
        if rule.gives_way_to
    )
    life = LIFE.format(runs=2, chains=chains, span=SPAN_DAYS, early=EARLY_DAYS)
    playbooks = "\n".join(map(_playbook_row, read_playbooks()))
    days = " or ".join(f"{days} days ({severity})" for severity, days in WITHIN.items())
    return f"{HEAD}{rules}\n{life}{playbooks}\n{OWN.format(days=days)}"


def _rule_row(rule: WarningRule) -> str:
    per = {"module": ", each module", "core_module": ", each core module", None: ""}[rule.per]
    return (
        f"| `{rule.name}` | {rule.severity}{per} | {'; '.join(_bounds(rule.when))} "
        f"| `{rule.playbook}` | {rule.practice} |"
    )


def _playbook_row(playbook: Playbook) -> str:
    fits = "; ".join(_fits(playbook.fits)) or "all"
    return (
        f"| `{playbook.name}` | {playbook.who} | {playbook.due_days} | {playbook.action['en']} "
        f"| {_code(playbook.tags)} | {fits} |"
    )


def _fits(fit: Fit) -> Iterator[str]:
    for name in ("stages", "segments", "account_tiers"):
        if values := getattr(fit, name):
            yield f"{name}: {', '.join(values)}"
    if fit.experience_at_least is not None:
        yield f"experience health ≥ {fit.experience_at_least:g}"
    if fit.experience_below is not None:
        yield f"experience health < {fit.experience_below:g}"
    yield from _bounds(fit.when)


def _bounds(bounds: dict[str, Bound]) -> Iterator[str]:
    for name, bound in bounds.items():
        yield f"`{name}` {bound}"


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.parse_args(arguments).file.write_text(warnings_page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
