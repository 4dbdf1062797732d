"""Early warnings and playbooks of a score run, from the same rows that were scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from features.catalogue import Catalogue
from models.account_score import AccountScore
from models.alert import Alert
from models.playbook import Playbook, merge_playbooks
from models.playbook_offer import Offers, offer, plan_offers, with_playbooks
from models.warning import Finding, WatchedRows, find_warnings, watched_rows
from models.warning_life import Earlier, LifeRules, carry_on
from models.warning_rule import RuleBook, plan_rules, read_rules
from pipelines.config import Config
from pipelines.population import Population

WARNINGS = "warnings"
PLAYBOOKS = "playbooks"


@dataclass(frozen=True, eq=False)
class Watch:
    """What a company is watched for in one run.

    Parameters
    ----------
    config : Config
    catalogue : Catalogue
    book : RuleBook
    playbooks : tuple of Playbook
    rows : WatchedRows
    """

    config: Config
    catalogue: Catalogue
    book: RuleBook
    playbooks: tuple[Playbook, ...]
    rows: WatchedRows

    def to_documents(self) -> dict[str, object]:
        """What the pages need to know of rules and playbooks, by the documents' names."""
        rules = [
            rule.model_dump(mode="json", include={"name", "severity", "title", "text", "practice"})
            | {"reason_off": self.book.off.get(rule.name)}
            for rule in read_rules()
        ]
        return {WARNINGS: rules, PLAYBOOKS: [one.to_json() for one in self.playbooks]}


def watch(config: Config, population: Population) -> Watch | None:
    """The rules and playbooks for a population; None where it has no rows of dated figures."""
    datasets = population.datasets
    catalogue = next((found.catalogue for found in datasets.values()), None)
    if catalogue is None or not config.tables:  # the columns of a flat table mean what they will
        return None
    book = plan_rules(config, catalogue, config.warnings)
    playbooks = merge_playbooks(config.playbooks)
    return Watch(config, catalogue, book, playbooks, watched_rows(datasets))


def add_warnings(
    found: Watch, scores: Sequence[AccountScore], *, as_of: date, earlier: Earlier
) -> tuple[AccountScore, ...]:
    """The scores with their warnings and the playbooks that fit.

    Parameters
    ----------
    found : Watch
    scores : sequence of AccountScore
        With their health, where there is one.
    as_of : date
    earlier : Earlier
        The warnings of the snapshot before.
    """
    rows = found.rows
    findings = find_warnings(found.book.conditions, rows, currency=found.config.currency)
    offers = plan_offers(found.playbooks, [str(one) for one in rows.account], rows.features)
    tags = {feature.name: feature.playbook for feature in found.catalogue.features}
    rules = LifeRules(
        frozenset(condition.key for condition in found.book.conditions),
        found.config.warnings.runs_to_close,
        {rule.name: frozenset(rule.gives_way_to) for rule in read_rules()},
    )
    repeated = earlier.as_of == as_of
    asked = {rule.name: rule.playbook for rule in read_rules()}
    added = []
    for score in scores:
        opened = _open(findings.get(score.account_id, ()), as_of)
        before = earlier.alerts.get(score.account_id, ())
        alerts = tuple(
            _with_playbook(alert, asked[alert.rule], offers, score)
            for alert in carry_on(opened, before, repeated=repeated, rules=rules)
        )
        told = replace(score, drivers=with_playbooks(offers, score, tags), alerts=alerts)
        added.append(replace(told, playbooks=offer(offers, told)))
    return tuple(added)


def _open(findings: Iterable[Finding], as_of: date) -> list[Alert]:
    """What stands now, as if all of it were new."""
    return [
        Alert(
            rule=one.condition.rule.name,
            subject=one.condition.subject,
            severity=one.condition.rule.severity,
            status="opened",
            text=one.text,
            value=one.value,
            unit=one.condition.unit,
            first_seen=as_of,
        )
        for one in findings
    ]


def _with_playbook(alert: Alert, tag: str, offers: Offers, score: AccountScore) -> Alert:
    found = offers.find(tag, score)
    return alert._replace(playbook=None if found is None else found.name)
