"""The page on modules and cohorts: what it counts, for whom, and what it says where nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from models.alert import Alert
from models.feedback import LossReason
from models.feedback_store import FeedbackStore, Reply
from models.key import SCOPES
from models.life import Life
from models.row_filter import EVERYTHING, RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from serving.caller import Caller
from serving.page_caller import get_page_caller
from serving.page_format import MISSING
from tests.integration.client import ask, serve
from tests.integration.company import due, snapshot
from tests.integration.markup import Page, check_manners, check_policy

HOSTILE = '<script>alert("x")</script>'
ALERT = Alert("champion_silent", None, "urgent", "opened", "silent", 30.0, "days",
              date(2026, 10, 1))  # fmt: skip


def life(account_id: str, started_on: date, left_on: date | None = None, **known: Any) -> Life:
    return Life(account_id=account_id, started_on=started_on, left_on=left_on, **known)


LIVES = (
    life("A", date(2025, 1, 10), segment="smb", arr=100.0, value_by_day_30=True,
         value_by_day_90=True, modules_used=("reports",), modules_tried=("reports", HOSTILE),
         contacts={"onboarding": (0, 0), "midlife": (2, 26), "renewal": (0, 26)}),
    life("B", date(2025, 2, 10), segment="mid", arr=100.0, value_by_day_30=False,
         value_by_day_90=True, modules_used=("reports", HOSTILE),
         modules_tried=("reports", HOSTILE),
         contacts={"onboarding": (0, 0), "midlife": (0, 52), "renewal": (0, 0)}),
    life("C", date(2025, 3, 10), date(2026, 3, 1), segment="mid", arr=700.0,
         value_by_day_30=False, value_by_day_90=False),
    life("D", date(2025, 3, 12), date(2026, 4, 1), segment="mid", arr=300.0,
         value_by_day_30=True, value_by_day_90=True),
    life("E", date(2026, 9, 1), segment="smb", arr=None, value_by_day_30=True,
         modules_used=(), modules_tried=()),
)  # fmt: skip
RULE = {
    "severity": "urgent", "warnings": 200, "followed_by_loss": 60, "precision": 0.3,
    "false_alarms": 140, "losses": 50, "preceded": 20, "recall": 0.4, "median_days_ahead": 80.0,
    "standing_share": 0.1,
}  # fmt: skip
CHANCE = {**RULE, "warnings": 20, "precision": 0.15}
DOCUMENTS = {
    "warning_record": {
        "span_days": 180, "early_days": 30, "base_rate": 0.1, "off": {},
        "rules": {"champion_silent": RULE, "usage_halved": CHANCE, "any urgent or soon": RULE},
    },
    "warnings": [
        {"name": "champion_silent", "severity": "urgent",
         "title": {"en": "The champion is silent", "zh": "支持者沉默"}},
        {"name": "usage_halved", "severity": "soon",
         "title": {"en": "Use halved", "zh": "使用减半"}},
    ],
}  # fmt: skip
SCORES = (
    due("A", 0.9, segment="smb", alerts=(ALERT,)),
    due("B", 0.6, segment="mid", alerts=(ALERT,)),
    due("E", 0.1, segment="smb"),
)
SMB = RowFilter({"segment": ["smb"]})


@pytest.fixture
def app(store_url: str, tmp_path: Path) -> Iterator[Service]:
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*SCORES, lives=LIVES, documents=DOCUMENTS))
    made = serve(store_url, service_store_url=f"sqlite:///{tmp_path}/service.db")
    assert made.guards.keys is not None
    made.guards.keys.refresh()
    yield made
    made.close()


def see(app: Service, path: str = "/modules", *, of: RowFilter = EVERYTHING) -> Page:
    caller = Caller("kid", frozenset(SCOPES), of)
    app.dependency_overrides[get_page_caller] = lambda: caller
    response = ask(app, path)
    assert response.status_code == 200, response.text
    page = Page(response.text)
    check_policy(page)
    check_manners(page)
    return page


def tell_reason(tmp_path: Path, account_id: str, reason: Any) -> None:  # Any: a literal
    with ServiceStore(f"sqlite:///{tmp_path}/service.db") as store:
        told = LossReason(
            account_id=account_id, reason=reason, key_id=None,
            created_at=datetime(2026, 11, 2, tzinfo=UTC),
        )  # fmt: skip
        FeedbackStore(store).add(told, Reply(201, b"{}"))


def test_adoption_tells_who_uses_who_dropped_and_who_never_tried(app: Service) -> None:
    words = see(app).words
    assert "3 customers" in words
    assert "Reports 2 2 67% 0 0% 1" in words
    assert HOSTILE in words
    assert "2 1 33% 1 50% 1" in words


def test_retention_is_counted_by_cohort_and_what_is_not_known_is_a_dash(app: Service) -> None:
    words = see(app).words
    assert f"2025 Q1 4 100% 100% 75% 50% {MISSING} {MISSING}" in words
    assert "2026 Q3 1" + f" {MISSING}" * 6 in words


def test_funnels_are_those_of_whole_cohorts(app: Service) -> None:
    words = see(app).words
    assert "Of 4 accounts 2 had value by day 30, 3 by day 90." in words
    assert "2025 Q1 4 50% 75% 75%" in words
    assert f"2026 Q3 1 100% {MISSING} {MISSING}" in words


def test_contacts_are_told_by_stage(app: Service) -> None:
    words = see(app).words
    assert "Mid-life 2 0.3 1" in words
    assert f"Onboarding 0 {MISSING} 0" in words


def test_losses_are_told_by_the_reasons_that_people_gave(app: Service, tmp_path: Path) -> None:
    assert "nobody told 2 100% €1K" in see(app).words
    tell_reason(tmp_path, "C", "competitor")
    words = see(app).words
    assert "went to a competitor 1 50% €700 nobody told 1 50% €300" in words
    assert "A reason was told of 1 of 2." in words


def test_warnings_stand_beside_their_record_and_lead_to_their_accounts(app: Service) -> None:
    page = see(app)
    assert "The champion is silent 2 200 30% 3 times 40% 80" in page.words
    assert "Use halved 0 20 15% 1.5 times may be chance" in page.words
    assert "any urgent" not in page.words.lower()
    assert "/?warning=champion_silent" in page.links()


def test_a_row_filter_holds_for_every_figure_and_hides_the_company_s_record(app: Service) -> None:
    see(app)  # what was found for others is not shown to this reader
    words = see(app, of=SMB).words
    assert "2 customers" in words
    assert "0 that left" in words
    assert "Reports 1 1 50% 0 0% 1" in words
    assert "2025 Q1 1 100% 100% 100%" in words
    assert "The champion is silent 1" in words
    assert "3 times" not in words
    assert "judged over the whole company" in words
    assert "No account that you may see left in the last 365 days." in words


def test_a_reader_of_no_account_is_told_so(app: Service) -> None:
    words = see(app, of=RowFilter({"segment": ["none"]})).words
    assert "No account that you may see ever was a customer." in words
    assert "No warning stands on these accounts" in words


def test_the_page_speaks_chinese(app: Service) -> None:
    words = see(app, "/modules?lang=zh").words
    assert "按同期群的留存" in words
    assert "支持者沉默" in words
    assert "Adoption" not in words


def test_without_lives_there_is_nothing_to_count(store_url: str) -> None:
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*SCORES))
    app = serve(store_url)
    words = see(app).words
    app.close()
    assert "No lives of customers were published" in words
    assert "Champion silent" not in words or "2" in words


def test_without_a_service_store_no_reason_can_be_told(store_url: str) -> None:
    bare = tuple(replace(one, contacts=None, modules_used=None) for one in LIVES)
    with SnapshotStore(store_url) as store:
        store.publish(snapshot(*SCORES, lives=bare))
    app = serve(store_url)
    words = see(app).words
    app.close()
    assert "This service keeps no feedback" in words
    assert "There is no touchpoints table" in words
    assert "Usage does not tell modules" in words
    assert "No record of these rules was published" in words
