"""Every page in Chinese is Chinese throughout, but for what the company's own tables say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from features.catalogue import read_templates
from features.phrase import DOCUMENT, Phrases, fill_places
from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.card import FeatureColumn
from models.growth import GrowthReason
from models.health import Health, HealthFactor
from models.key import SCOPES
from models.life import Life
from models.playbook import read_playbooks
from models.row_filter import EVERYTHING
from models.settings import PublishSettings
from models.store import SnapshotStore
from models.warning_rule import read_rules
from serving.application import Service
from serving.caller import Caller
from serving.page_caller import get_page_caller
from serving.page_wording import GROUP_WORDS
from serving.selection import PAGE_SORTS
from tests.integration.client import ask, serve
from tests.integration.company import due, lost, snapshot
from tests.integration.markup import Page
from tests.integration.test_model_page import METRICS, write_card
from tests.integration.test_modules_page import CHANCE, RULE
from tests.unit.test_account_board import BOARD

# What the company's tables say is Chinese here, so that what is English is Keepwell's.
PLACES = {
    "{w}": "28", "{m}": "存储量", "{m_unit}": "件", "{module}": "报表", "{event}": "导出",
    "{features}": "9", "{modules}": "4", "{core}": "3",
}  # fmt: skip
COMPANY = {"segment": "中型", "account_tier": "金牌", "region": "华东", "owner": "王芳"}
TERMS = {
    *("Keepwell", "English", "ARR", "GRR", "NRR", "NPS", "AUC", "CSV", "EUR", "DAU", "WAU", "MAU"),
    # A feature in a notice, a table, a key of the configuration.
    *("plan_changes", "contracts", "publish", "max_mean_shift"),
    # What an address may say.
    *("query", "sort", *PAGE_SORTS),
}
WORD = re.compile(r"[A-Za-z_]{2,}")
DRIVERS_EACH = 24
SHOWN = ("aria-label", "title", "placeholder", "alt", "data-label")
HAN = re.compile(r"[\u4e00-\u9fff]")


def say_all() -> tuple[dict[str, Any], list[Driver]]:
    """The phrases of every shipped entry, and drivers that tell each of its texts."""
    document, drivers = {}, []
    for number, template in enumerate(read_templates()):
        name = f"{number}_{fill_places(template.name, PLACES)}"
        texts = {one: getattr(template, one) for one in Phrases._fields[:-1]}
        phrases = Phrases(**texts, filled=PLACES)
        document[name] = phrases.to_json()
        for value in (0.4, 12.0, -3.5, None):
            text, unit = f"English of {name}", phrases.fill(phrases.unit)
            drivers.append(Driver(name, template.group, text, value, unit, 0.1, points=0.001))
    return document, drivers


PHRASES, DRIVERS = say_all()
STAR = next(name for name in PHRASES if name.endswith("_value_actions_28d"))
CHANGE = next(name for name in PHRASES if name.endswith("_value_change_28d"))
ALERTS = tuple(
    Alert(rule.name, "报表" if "{subject}" in rule.text["en"] else None, rule.severity, "opened",
          "English evidence", 12.0, "days", date(2026, 11, 1), playbook="listen")
    for rule in read_rules()
)  # fmt: skip
GROWTH = (GrowthReason("seats_full", 0.95), GrowthReason("modules_broad", 0.9),
          GrowthReason("health", 91.0), GrowthReason("use_steady", 0.02))  # fmt: skip
PLAYBOOKS = tuple(one.name for one in read_playbooks())


def account(name: str, drivers: list[Driver], loss: float, **changes: Any) -> AccountScore:
    """An account about which everything is known, all of it in Chinese or as codes."""
    factors = tuple(
        HealthFactor(one.feature, "outcome", score, 0.1, one.value, one.unit, one.text)
        for one, score in zip(drivers, (90.0, 20.0) * len(drivers), strict=False)
        if isinstance(one.value, float)
    )
    fields: dict[str, Any] = {
        **COMPANY, "name": f"客户{name}", "external_id": f"00{name}", "parent_id": "9",
        "contract_id": "7", "alerts": ALERTS, "playbooks": PLAYBOOKS[:3], "drivers": tuple(drivers),
        "contributions": dict.fromkeys(GROUP_WORDS, 0.1), "growth": GROWTH, "north_star": 142.0,
        "north_star_change": -0.78, "health": Health(
            score=80.0 if loss > 0.5 else 30.0, outcome=48.0, experience=80.0, coverage=0.6,
            profile="standard", factors=factors),
    }  # fmt: skip
    return due(name, loss, **{**fields, **changes})


SCORES = (
    *(
        account(str(100 + place), DRIVERS[place : place + DRIVERS_EACH], loss)
        for place in range(0, len(DRIVERS), DRIVERS_EACH)
        for loss in [0.9 if place % 48 else 0.1]
    ),
    account("1", DRIVERS[:4], 0.6, basis="churn", state="no_term", decision_date=None),
    account("2", DRIVERS[:4], 0.3, state="in_grace", decision_date=date(2026, 10, 1)),
    AccountScore(account_id="3", state="too_little_history", abstained="too_little_history"),
    lost("4"),
)
LIVES = (
    Life(account_id="100", started_on=date(2025, 1, 10), segment="中型", arr=100.0,
         value_by_day_30=True, value_by_day_90=True, modules_used=("报表",),
         modules_tried=("报表", "看板"),
         contacts={"onboarding": (0, 0), "midlife": (2, 26), "renewal": (0, 26)}),
    Life(account_id="9", started_on=date(2025, 3, 10), left_on=date(2026, 3, 1), segment="中型",
         arr=700.0, value_by_day_30=False, value_by_day_90=False),
)  # fmt: skip
# What the board of `test_account_board` says in names of the company.
NAMED = ("module", "event", "user_id", "name", "plan", "product", "contract_id", "playbook")


def in_chinese(found: Any) -> Any:  # Any: JSON
    """A board with names that are Chinese."""
    if isinstance(found, list):
        return [in_chinese(one) for one in found]
    if not isinstance(found, dict):
        return found
    return {
        name: "甲" if name in NAMED and isinstance(value, str) else in_chinese(value)
        for name, value in found.items()
    }


BOARD_100 = {**in_chinese(BOARD), "names": {}}
BOARD_100["interventions"] = [
    {"on": "2026-07-26", "playbook": "回访", "status": status}
    for status in ("planned", "started", "done", "declined", "cancelled")
]
DOCUMENTS = {
    DOCUMENT: PHRASES,
    "health": {
        "north_star": {
            "feature": STAR, "unit": "actions", "meaning": "English.", "change": CHANGE,
            "change_meaning": "English.",
        }
    },
    "playbooks": [one.to_json() for one in read_playbooks()],
    "warnings": [rule.model_dump(mode="json") for rule in read_rules()],
    "warning_record": {
        "span_days": 180, "early_days": 30, "base_rate": 0.1, "off": {},
        "rules": {
            **{rule.name: CHANCE for rule in read_rules()}, "any urgent or soon": RULE,
        },
    },
    "forecast": {
        "refused": "contracts: no renewal has matured by 2026-11-01: there are no rates to go by; "
        "give a longer history of contracts",
        "forecast": None,
    },
}  # fmt: skip
LABEL = (
    "The contract ends without a successor that starts by 30 days after its end; seen on as-of "
    "dates up to 60 days before its decision."
)
JUDGED = {
    **METRICS,
    "slices": {**METRICS["slices"], "segment": {"中型": METRICS["slices"]["segment"]["smb"]}},
    "reasons": ["AUC 0.811 (0.767 to 0.850): the interval's lower end is above 0.5"],
    "notices": ["feature plan_changes is left out: the same in all 7,667 rows"],
}
MODELS = {
    "churn": None,
    "renewal": {"version": "3", "max_lead_days": 180, "label": LABEL},
}
PAGES = (
    "/", "/?risk_tier=high&state=in_grace&warning=champion_silent", "/?group_by=owner",
    "/?scored=no", "/?q=%E4%B8%AD", "/modules", "/model", "/nowhere", "/?sort=x", "/accounts/404",
    "/accounts/1", "/accounts/2", "/accounts/3", "/accounts/4",
    *(f"/accounts/{100 + place}" for place in range(0, len(DRIVERS), DRIVERS_EACH)),
)  # fmt: skip
FAULTS = {"/nowhere": 404, "/accounts/404": 404, "/?sort=x": 422}


class World(NamedTuple):
    """A service, and the id of what it serves."""

    app: Service
    snapshot_id: str


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service over two snapshots of a company whose tables are in Chinese."""
    home = tmp_path_factory.mktemp("home")
    store_url, service_url = (f"sqlite:///{home}/{name}.db" for name in ("store", "service"))
    snapshot_id = publish(store_url)
    tell_of_model(home)
    made = serve(store_url, home=home, service_store_url=service_url)
    assert made.guards.keys is not None
    made.guards.keys.refresh()
    caller = Caller("kid", frozenset(SCOPES), EVERYTHING)
    made.dependency_overrides[get_page_caller] = lambda: caller
    yield World(made, snapshot_id)
    made.close()


def publish(store_url: str) -> str:
    """Publish what stood a month ago, and what stands now, which is held back but for force."""
    fields: dict[str, Any] = {"company": "甲公司", "models": MODELS, "documents": DOCUMENTS}
    moved = tuple(
        one if one.loss_probability is None else replace(one, loss_probability=0.05)
        for one in SCORES
    )
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*moved, **{**fields, "as_of": date(2026, 10, 1)}))
        return store.publish(
            snapshot(
                *SCORES,
                **fields,
                lives=LIVES,
                boards={"100": BOARD_100},
            ),
            gate=PublishSettings(),
            force=True,
        )


def tell_of_model(home: Path) -> None:
    features = tuple(
        FeatureColumn(name=one.feature, kind="number", group=one.group) for one in DRIVERS[::4]
    )
    write_card(home, company="甲公司", metrics=JUDGED, label=LABEL, features=features)


def english_words(page: Page) -> set[str]:
    """English words that are shown, read out or told of, but for terms that Chinese has too."""
    told = [attributes[name] or "" for _, attributes in page.elements for name in SHOWN
            if name in attributes]  # fmt: skip
    return {word for text in (page.words, *told) for word in WORD.findall(text)} - TERMS


@pytest.mark.parametrize("path", PAGES)
def test_a_page_in_chinese_has_no_english_words(world: World, path: str) -> None:
    asked = {"Accept": "text/html", "Accept-Language": "zh-CN", "X-Request-ID": "7"}
    answer = ask(world.app, path, headers=asked)
    assert answer.status_code == FAULTS.get(path, 200), answer.text
    page = Page(answer.text.replace(world.snapshot_id, ""))
    assert HAN.search(page.words)
    assert not english_words(page)
    assert not [one for _, one in page.elements if one.get("lang") == "en" and "href" not in one]


def test_a_page_in_english_tells_what_the_score_run_wrote(world: World) -> None:
    page = Page(ask(world.app, "/accounts/100", headers={"Accept": "text/html"}).text)
    for driver in SCORES[0].drivers:
        assert driver.text in page.words
