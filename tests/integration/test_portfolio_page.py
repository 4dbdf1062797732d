"""The portfolio page: what it shows, to whom, and that its sums are those of the list."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import httpx
import pytest
from markupsafe import escape

from models.account_score import AccountScore, Driver, State
from models.alert import Alert, Severity
from models.feedback_store import FeedbackStore, Reply
from models.growth import GrowthReason
from models.key import SCOPES
from models.playbook_action import PlaybookAction
from models.row_filter import EVERYTHING, RowFilter
from models.service_store import ServiceStore
from models.settings import PublishSettings
from models.store import SnapshotStore
from serving.application import Service
from serving.asset import ICON, SHEET, load_asset
from serving.caller import Caller
from serving.page_caller import get_page_caller
from serving.page_format import Formats
from serving.page_language import load_languages
from serving.page_template import make_environment
from serving.page_wording import Wording
from serving.portfolio_query import PortfolioQuery
from tests.integration.client import ask, problem, serve
from tests.integration.company import HEALTH, due, lost, snapshot
from tests.integration.markup import Page, check_manners, check_policy


class Tally(NamedTuple):
    """As `models.track_record` has it."""

    accounts: int
    lost: int
    expected: float
    arr: float
    arr_lost: float


HOSTILE = '<script>alert("x")</script>'
ALERT = Alert("champion_silent", None, "urgent", "opened", "the champion silent 30 days", 30.0,
              "days", date(2026, 11, 1))  # fmt: skip
SCORES = (
    due("A", 0.9, 2_000.0, segment="smb", owner="anna", name="Acme", alerts=(ALERT,),
        playbooks=("call-this-week",)),
    due("B", 0.6, 12_000.0, segment="mid", owner="boris", name=HOSTILE, parent_id=None),
    due("C", 0.1, 90_000.0, segment="mid", owner="anna", name="中文公司", basis="churn",
        decision_date=date(2027, 3, 1), risk_tier="medium"),
    due("D", 0.3, 5_000.0, segment="smb", owner=None, state="in_grace", region="apac",
        decision_date=date(2026, 10, 1), risk_tier="low"),
    due("E", 0.2, None, segment="mid", owner="boris", decision_date=date(2026, 10, 20)),
    AccountScore(account_id="F", state="too_little_history", arr=700.0,
                 abstained="too_little_history"),
    due("G", 0.4, 3_000.0, growth=(GrowthReason("seats_full", 0.95),),
        decision_date=date(2027, 1, 30)),
    lost("L", 4_000.0),
)  # fmt: skip
QUERIES = (
    "",
    "segment=smb",
    "segment=smb&segment=mid&risk_tier=high",
    "owner=anna",
    "q=ac",
    "q=001b",
    "q=中文",
    "q=%25",
    "warning=champion_silent",
    "decides=90",
    "decides=passed",
    "scored=no",
    "state=in_grace&state=notice_given",
    "sort=name",
    "sort=-owner",
    "sort=-decision_date",
    "region=nowhere",
    "group_by=parent",
    "group_by=owner&segment=mid",
    "parent_id=P1&segment=&owner=",
)


@pytest.fixture
def apps(store_url: str) -> Iterator[tuple[Service, Service]]:
    """Two services over one store: one holds its snapshot in memory, one reads it by request."""
    made = serve(store_url), serve(store_url, memory_mb=0)
    yield made
    for app in made:
        app.close()


@pytest.fixture
def app(apps: tuple[Service, Service]) -> Service:
    return apps[0]


def read_as(app: Service, *scopes: str, of: RowFilter = EVERYTHING) -> None:
    """Let every page be read by somebody with these scopes and this row filter."""
    caller = Caller("kid", frozenset(one for one in SCOPES if one in scopes), of)
    app.dependency_overrides[get_page_caller] = lambda: caller


def see(app: Service, path: str = "/", **headers: str) -> Page:
    response = ask(app, path, headers=headers)
    assert response.status_code == 200, response.text
    page = Page(response.text)
    check_policy(page)
    check_manners(page)
    return page


def rows_of(app: Service, query: str = "") -> list[dict[str, str]]:
    response = ask(app, f"/portfolio.csv?{query}")
    assert response.status_code == 200, response.text
    assert response.content.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def total(rows: list[dict[str, str]], column: str) -> float:
    return math.fsum(float(row[column]) for row in rows if row[column])


def headlines(response: httpx.Response) -> list[str]:
    """The large figures of the tiles."""
    parts = response.text.split('<p class="headline">')[1:]
    return [part.split("</p>")[0] for part in parts]


@pytest.mark.parametrize("query", [one for one in QUERIES if "group_by" not in one])
def test_tiles_table_and_file_give_the_same_totals(
    app: Service, store: SnapshotStore, query: str
) -> None:
    store.publish(snapshot(*SCORES))
    rows = rows_of(app, query)
    response = ask(app, f"/?{query}")
    page = Page(response.text)
    shown = response.text.split('<tr role="row" class=')[1:]
    assert len(shown) == len(rows)
    for row, line in zip(rows, shown, strict=True):
        assert escape(row["name"].strip("'") or row["account_id"]) in line
    if not rows:
        assert "No account fits these filters." in page.words
        return
    formats = Formats("en")
    expected_loss, high, deciding, notice, _ = headlines(response)
    assert expected_loss == formats.money(
        total(rows, "arr_at_risk") if any(row["arr_at_risk"] for row in rows) else None, "EUR"
    )
    in_tier = [row for row in rows if row["risk_tier"] == "high"]
    if any(row["risk_tier"] and row["arr"] for row in rows):
        assert high == formats.money(total(in_tier, "arr"), "EUR")
        assert f"{len(in_tier)} account" in page.words
    if any(row["arr"] for row in rows):
        assert notice == formats.money(total(rows, "arr_under_notice"), "EUR")
        soon = [row for row in rows if row["state"] == "to_decide" and row["decision_date"]
                and "2026-11-01" <= row["decision_date"] <= "2027-01-30"]  # fmt: skip
        assert deciding == formats.money(total(soon, "arr"), "EUR")


def test_every_tile_leads_to_the_accounts_that_it_counts(
    app: Service, store: SnapshotStore
) -> None:
    store.publish(snapshot(*SCORES))
    page = see(app)
    for link, ids in {
        "/?risk_tier=high": ["B", "A"],
        "/?decides=90": ["B", "A", "G"],
        "/?state=notice_given": ["L"],
        "/?state=in_grace": ["D"],
        "/?decides=passed": ["E"],
        "/?scored=no": ["F"],
        "/?warning=champion_silent": ["A"],
    }.items():
        assert link in page.links(), link
        assert [row["account_id"] for row in rows_of(app, link.removeprefix("/?"))] == ids
    assert "/portfolio.csv" in page.links()


@pytest.mark.parametrize("query", QUERIES)
def test_memory_and_store_show_the_same_page_and_file(
    apps: tuple[Service, Service], store: SnapshotStore, query: str
) -> None:
    store.publish(snapshot(*(replace(one, loss_probability=0.15) for one in SCORES[:3])))
    store.publish(snapshot(*SCORES))
    for path in (f"/?{query}", f"/?{query}&lang=zh", f"/portfolio.csv?{query}"):
        held, stored = (ask(one, path) for one in apps)
        assert held.status_code == 200, held.text
        assert held.content == stored.content
        if path.startswith("/?"):
            check_policy(Page(held.text))
            check_manners(Page(held.text))


def test_a_script_in_a_name_stays_text(app: Service, store: SnapshotStore) -> None:
    hostile = [
        replace(
            one, name=HOSTILE, owner=HOSTILE, parent_id=HOSTILE, segment=HOSTILE, region=HOSTILE
        )
        for one in SCORES[:2]
    ]
    store.publish(snapshot(*hostile, company=HOSTILE))
    for query in ("", "group_by=parent", "group_by=owner", "q=%3Cscript%3E", "segment=%3Cb%3E"):
        page = see(app, f"/?{query}")
        assert HOSTILE in page.words
        assert "<b>" not in ask(app, f"/?{query}").text


def test_a_cell_of_the_file_that_a_spreadsheet_would_run_is_harmless(
    app: Service, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A", 0.5, name='=cmd|" /C calc"!A0', owner="+49")))
    (row,) = rows_of(app)
    assert row["name"].startswith("'=cmd")
    assert row["owner"] == "'+49"


def test_nothing_of_accounts_outside_the_row_filter_is_shown(
    apps: tuple[Service, Service], store: SnapshotStore
) -> None:
    measure = {"expected": 0.9123, "low_80": 0.87, "high_80": 0.94}
    report = {"horizon": {"grr_of_opening": measure}, "quarters": [{}]}
    forecast = {"refused": None, "forecast": report}
    store.publish(snapshot(*SCORES))
    store.publish(snapshot(*SCORES, documents={"forecast": forecast}))
    for app in apps:
        assert "91%" in see(app).words
        read_as(app, "scores:read", "people:read", of=RowFilter({"segment": ["smb"]}))
        for query in ("", "group_by=parent", "group_by=owner", "segment=mid", "q=中文"):
            page = see(app, f"/?{query}")
            assert "91%" not in page.words
            assert "boris" not in page.words
            assert "中文公司" not in page.words
        assert {row["account_id"] for row in rows_of(app)} == {"A", "D", "G"}
        assert headlines(ask(app, "/"))[0] == Formats("en").money(1800.0 + 1500.0 + 1200.0, "EUR")


def test_owners_are_shown_filtered_and_sorted_by_only_with_people_read(
    app: Service, store: SnapshotStore
) -> None:
    store.publish(snapshot(*SCORES))
    assert "anna" in see(app).words
    read_as(app, "scores:read")
    page = see(app)
    assert "anna" not in page.words
    assert "Owner" not in page.words
    assert "owner" not in rows_of(app)[0]
    for query in ("owner=anna", "group_by=owner", "sort=owner", "sort=-owner"):
        for path in ("/", "/portfolio.csv"):
            problem(ask(app, f"{path}?{query}"), 403, "missing-scope")
    read_as(app, "people:read")


def test_what_there_is_not_to_ask_for_is_refused(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*SCORES))
    for query in (
        "segmnt=smb", "sort=price", "page=0", "page=x", "page=9999999", "decides=0",
        "decides=soon", "group_by=segment", "state=gone", "risk_tier=huge", "scored=yes",
        "q=" + "x" * 600, "segment=%00", "&".join(f"segment={n}" for n in range(51)),
    ):  # fmt: skip
        for path in ("/", "/portfolio.csv"):
            problem(ask(app, f"{path}?{query}"), 422, "invalid-request")


def test_the_page_is_in_the_language_that_is_asked_for(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*SCORES))
    assert see(app).all("html") == [{"lang": "en"}]
    chinese = see(app, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert chinese.all("html") == [{"lang": "zh-Hans"}]
    assert "预期损失" in chinese.words
    assert "€2.07万" in chinese.words
    asked = ask(app, "/?lang=zh&segment=smb")
    cookie = asked.headers["set-cookie"]
    assert cookie.startswith("keepwell_lang=zh;")
    assert "HttpOnly" in cookie
    kept = see(app, Cookie="keepwell_lang=zh", **{"Accept-Language": "en"})
    assert kept.all("html") == [{"lang": "zh-Hans"}]
    assert see(app, "/?lang=xx").all("html") == [{"lang": "en"}]
    assert "/?segment=smb&lang=en" in Page(asked.text).links()


def test_movement_tells_customers_and_another_model_apart(
    app: Service, store: SnapshotStore
) -> None:
    def model(version: str) -> dict[str, Any]:
        return {"churn": None, "renewal": {"version": version, "max_lead_days": 180}}

    before = [due("A", 0.2), due("B", 0.6), due("C", 0.4), due("D", 0.30)]
    first = store.publish(snapshot(*before, models=model("1"), as_of=date(2026, 10, 25)))
    after = [
        due("A", 0.7, rescored_probability=0.25),  # its own doing
        due("B", 0.3, rescored_probability=0.35),  # mostly the model's
        due("C", 0.4, rescored_probability=0.40),
        due("D", 0.35),  # not rescored: nobody can tell
        due("N", 0.9),
    ]
    store.publish(snapshot(*after, models=model("2"), rescored_id=first))
    page = see(app)
    assert "Since Oct 25" in page.words
    assert "+1" in headlines(ask(app, "/"))[4]
    assert "1 out of it · 1 by another model" in page.words
    assert "25% → now 70%" in page.words
    assert "35% → now 30%" in page.words
    assert "2 changes by another model" in page.words
    assert "60% → now 35%" in page.words
    assert "30% → now 35%" not in page.words
    # Another snapshot stands in between since: what was rescored speaks of other figures.
    store.publish(snapshot(*(replace(one, loss_probability=0.5) for one in after),
                           models=model("3"), rescored_id=first))  # fmt: skip
    page = see(app)
    assert "No account of this list moved" in page.words
    assert "changes by another model" not in page.words


def test_what_moved_is_named_where_the_customer_moved_and_not_where_the_model_did(
    app: Service, store: SnapshotStore
) -> None:
    first = store.publish(snapshot(due("A", 0.2), as_of=date(2026, 10, 25)))
    models = {"churn": None, "renewal": {"version": "2", "max_lead_days": 180}}
    moved = due(
        "A",
        0.7,
        rescored_probability=0.4,
        contributions={"people": 1.0, "voice": 0.2},
        rescored_contributions={"people": -0.3, "voice": 0.3},
    )
    store.publish(snapshot(moved, models=models, rescored_id=first))
    text = see(app).words
    _, _, by_customer = text.partition("40% → now 70%")
    _, _, by_model = text.partition("20% → now 40%")
    # Voice fell, and so did not raise the chance.
    told = by_customer.partition("change by another model")[0]
    assert ("People" in told, "Voice" in told) == (True, False)
    told = by_model.partition("Ordered by")[0]
    assert ("People" in told, "Voice" in told) == (False, False)


def test_accounts_that_no_model_speaks_of_are_counted_and_listed(
    app: Service, store: SnapshotStore
) -> None:
    silent = AccountScore(account_id="N", state="to_decide", arr=700.0)
    store.publish(snapshot(due("A", 0.4), lost("L"), silent, SCORES[5]))
    page = see(app)
    assert "2 accounts without a chance:" in page.words
    assert "no model speaks of it (1)" in page.words
    assert "of 2" in see(app, "/?scored=no").words.partition("Accounts 1")[2][:8]


STAR = {
    "feature": "value_actions_28d", "unit": "actions", "meaning": "Events that deliver value.",
    "change": "value_change_28d", "change_meaning": "",
}  # fmt: skip


def test_the_north_star_stands_first_with_its_change_over_accounts_in_both(
    app: Service, store: SnapshotStore
) -> None:
    def publish(first: float, *, unit: str = "actions", **more: float | None) -> None:
        scores = [due("A", 0.5, north_star=first), due("B", 0.2, north_star=1000.0)]
        scores += [due(name, 0.1, north_star=value) for name, value in more.items()]
        document = {"north_star": {**STAR, "unit": unit}}
        store.publish(snapshot(*scores, documents={"health": document}))

    publish(1000.0, Gone=5.0)
    page = see(app)
    assert "★ Value actions in 28 days 2,005 3 accounts" in page.words
    publish(1500.0, New=7.0, Unknown=None)
    assert headlines(ask(app, "/"))[0] == "2,507"
    page = see(app)
    assert "+25% since Nov 1" in page.words
    assert "价值操作" in see(app, "/?lang=zh").words
    publish(0.5, unit="share")
    assert headlines(ask(app, "/"))[0] == "500.25"  # a share does not add up: its mean
    store.publish(snapshot(due("A", 0.5), documents={"health": {"north_star": None}}))
    assert "★" not in see(app).words


def test_health_is_a_number_with_a_word_and_sorts(app: Service, store: SnapshotStore) -> None:
    well = replace(HEALTH, score=70.0)
    store.publish(snapshot(due("A", 0.9), due("B", 0.5, health=HEALTH), due("C", 0.2, health=well),
                           due("D", 0.1, health=replace(HEALTH, score=12.4))))  # fmt: skip
    page = see(app, "/?sort=health_score")
    for told in ("56 fair", "70 good", "12 poor"):
        assert told in page.words
    assert [row["account_id"] for row in rows_of(app, "sort=health_score")] == list("DBCA")
    assert "/?sort=-health_score" in page.links()


def test_what_can_still_be_won_stands_before_what_ended(
    apps: tuple[Service, Service], store: SnapshotStore
) -> None:
    ended = due("E", 0.99, 9_000.0, state="in_grace", decision_date=date(2026, 10, 1))
    free = due("N", 0.05, 100.0, state="no_term", basis="churn", decision_date=None)
    store.publish(snapshot(ended, free, due("A", 0.1), lost("L")))
    for app in apps:
        assert [row["account_id"] for row in rows_of(app)] == ["A", "N", "E", "L"]
        assert [row["account_id"] for row in rows_of(app, "sort=rank")] == ["E", "A", "N", "L"]
        page = see(app)
        told = "1 account with €9K ARR ended with nothing signed. They stand after"
        assert told in page.words
        assert "They stand after" not in see(app, "/?state=in_grace").words
        assert [one.get("class") for one in page.all("tbody")].count("after") == 1


def test_accounts_without_a_chance_stand_by_their_arr(
    apps: tuple[Service, Service], store: SnapshotStore
) -> None:
    def bare(account_id: str, arr: float | None, state: State = "to_decide") -> AccountScore:
        return AccountScore(account_id=account_id, state=state, arr=arr,
                            currency=None if arr is None else "EUR")  # fmt: skip

    store.publish(
        snapshot(bare("A", None), bare("B", 10.0), bare("C", 900.0), bare("D", 0.0),
                 bare("E", 5000.0, "renewed"), due("F", 0.01))
    )  # fmt: skip
    for app in apps:
        assert [row["account_id"] for row in rows_of(app)] == ["F", "C", "B", "D", "A", "E"]


def test_a_reason_is_told_once(app: Service, store: SnapshotStore) -> None:
    def driver(feature: str, group: str, contribution: float) -> Driver:
        return Driver(feature, group, f"told by {feature}", 1.0, None, contribution)

    drivers = (
        driver("nps", "voice", -2.0), driver("terms", "contract", 1.5),
        driver("tenure", "contract", 1.2), driver("logins", "activity", 0.5),
        driver("seats", "adoption", 0.4), driver("users", "people", 0.1),
    )  # fmt: skip
    store.publish(snapshot(due("A", 0.9, drivers=drivers), due("B", 0.1, drivers=drivers[:1])))
    page = see(app)
    assert "told by terms; told by logins" in page.words
    assert "told by tenure" not in page.words
    raised, lowered = rows_of(app)
    shown = [raised[f"driver_{number}"] for number in (1, 2, 3)]
    assert shown == ["told by terms", "told by logins", "told by seats"]
    assert [lowered[f"driver_{number}"] for number in (1, 2, 3)] == ["told by nps", "", ""]


def test_warnings_are_counted_by_severity_and_by_what_was_done(
    store: SnapshotStore, store_url: str, tmp_path: Path
) -> None:
    def alert(rule: str, severity: Severity, first_seen: date) -> Alert:
        return Alert(rule, None, severity, "opened", "", 1.0, None, first_seen, playbook="call")

    now = datetime.now(UTC)
    day, long_ago = now.date() - timedelta(30), now.date() - timedelta(150)
    fields = {"as_of": day, "data_end": day}
    old = snapshot(due("Z", 0.5, alerts=(alert("poor_fit", "soon", long_ago),)),
                   as_of=long_ago, backfilled=True)  # fmt: skip
    store.publish(old)
    scores = (
        due("A", 0.9, alerts=(alert("silent", "urgent", day), alert("gone", "urgent", day))),
        due("B", 0.8, alerts=(alert("silent", "urgent", day),)),
        due("C", 0.7, segment="mid", alerts=(alert("poor_fit", "soon", long_ago),)),
        due("D", 0.6, alerts=(alert("silent", "urgent", day),)),
    )
    titles = {"title": {"en": "Silent"}}
    rules = [{"name": "silent", "severity": "urgent", **titles},
             {"name": "gone", "severity": "urgent", **titles},
             {"name": "poor_fit", "severity": "soon", **titles}]  # fmt: skip
    store.publish(snapshot(*scores, documents={"warnings": rules}, **fields))
    service_url = f"sqlite:///{tmp_path}/service.db"
    with ServiceStore(service_url) as service:
        say = FeedbackStore(service)
        for name, days_ago in (("A", 29), ("B", 10), ("C", 29)):
            action = PlaybookAction(
                account_id=name, playbook="call", status="done", due_on=None, note=None,
                snapshot_id="s", key_id=None, created_at=now - timedelta(days_ago),
            )  # fmt: skip
            say.add(action, Reply(201, b""))
    app = serve(store_url, service_store_url=service_url)
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    page = see(app)
    # Of A both were, B's came too late, D's nobody took up; C's is older than what was looked at.
    told = f"of 4 warnings since {Formats('en').short_day(day)} acted on in time"
    assert f"50% {told}" in page.words
    assert "this week 3 accounts this month 1 account" in page.words
    assert "/?warning=silent&warning=gone" in page.links()
    read_as(app, "scores:read", of=RowFilter({"segment": ["mid"]}))
    assert "No warning that asks for an action has run out of time" in see(app).words
    app.close()


def test_the_states_of_a_snapshot_are_told(app: Service, store: SnapshotStore) -> None:
    problem(ask(app, "/"), 503, "no-snapshot")
    store.publish(snapshot())
    page = see(app)
    assert "There are no accounts to show." in page.words
    assert "these are the first scores" in page.words
    bare = due("A", 0.5, None, currency=None)
    store.publish(snapshot(bare, currency=None, as_of=None, data_end=None, backfilled=True))
    page = see(app)
    assert "no amounts in the data" in page.words
    assert "of a table without dates" in page.words
    assert "made later for a past date" in page.words
    assert headlines(ask(app, "/"))[0] == "\u2013"
    gate = PublishSettings()
    store.publish(snapshot(*(due(f"A{n}", 0.9) for n in range(200))))
    store.publish(snapshot(due("A0", 0.1)), gate=gate, force=True)
    page = see(app)
    assert "Published although a check held these scores back" in page.words
    assert "Too early to tell." in page.words
    assert "No forecast of GRR and NRR was published" in page.words


def test_rules_and_playbooks_are_called_by_their_titles(app: Service, store: SnapshotStore) -> None:
    titles = {"en": "The champion has gone silent", "zh": "支持者已沉寂"}
    documents = {
        "warnings": [{"name": "champion_silent", "title": titles, "severity": "urgent"}],
        "playbooks": [{"name": "call-this-week", "title": {"en": "Call within the week"}}],
        "forecast": {"refused": "no past terms", "forecast": None},
    }
    store.publish(snapshot(*SCORES, documents=documents))
    page = see(app, "/?warning=champion_silent")
    assert "Warning: The champion has gone silent" in page.words
    assert "→ Call within the week" in page.words
    assert "No forecast can be made: no past terms" in page.words
    assert "支持者已沉寂" in see(app, "/?lang=zh").words


def test_the_track_record_tells_worked_on_accounts_apart() -> None:
    tally = Tally(accounts=40, lost=17, expected=16.24, arr=2e6, arr_lost=9e5)
    record = SimpleNamespace(
        as_of=date(2026, 8, 16), backfilled=True, total=tally, high=tally, high_unknown=3,
        high_worked_on=Tally(22, 6, 9.0, 1e6, 2e5), high_left_alone=Tally(18, 11, 7.24, 1e6, 7e5),
        top=tally, arr_lost_in_top=0.71, said_counted=True,
    )  # fmt: skip
    for code, expected in (("en", "Of 40 accounts shown as high 17 left"), ("zh", "流失 17 个")):
        made = make_environment(code)
        money = made.globals["formats"]
        text = made.get_template("portfolio_record.html").render(
            record=record, money=lambda amount, formats=money: formats.money(amount, "EUR"),
            query=PortfolioQuery(lists={}),
        )  # fmt: skip
        assert expected in text
        assert "71%" in text
    early = make_environment("en").get_template("portfolio_record.html").render(record=None)
    assert "Too early to tell." in early


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (GrowthReason("seats_full", 0.93), "93% of the seats in use"),
        (GrowthReason("health", 81.6), "health 82"),
        (GrowthReason("use_steady", 0.1), "use +10% in 28 days"),
    ],
)
def test_reasons_to_grow_are_told_in_words(reason: GrowthReason, expected: str) -> None:
    language = load_languages()["en"]
    assert Wording(language).growth(reason, language.formats) == expected


@pytest.mark.parametrize("path", ["/", "/accounts/A", "/modules", "/model"])
def test_old_scores_are_said_to_be_old_on_every_page(
    store_url: str, store: SnapshotStore, path: str
) -> None:
    store.publish(snapshot(*SCORES))
    app = serve(store_url, stale_after_days=None)
    assert "These scores are old." in see(app, path).words
    app.close()


def test_a_search_keeps_the_filters_and_the_order(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*SCORES))
    text = ask(app, "/?segment=smb&sort=name&decides=90&page=2&q=ac").text
    form = text.split('role="search"')[1].split("</form>")[0]
    for field in ('name="segment" value="smb"', 'name="sort" value="name"',
                  'name="decides" value="90"'):  # fmt: skip
        assert f'<input type="hidden" {field}>' in form
    assert 'name="page"' not in form
    assert form.count('name="q"') == 1


def test_what_is_not_of_the_filtered_list_says_so(app: Service, store: SnapshotStore) -> None:
    report = {"quarters": [1, 2], "horizon": {"grr_of_opening": {"expected": 0.9}}}
    store.publish(snapshot(*SCORES, documents={"forecast": {"forecast": report}}))
    said = "Of all accounts that you may see, whatever the filters."
    assert said in see(app, "/?segment=smb").words
    assert said not in see(app).words


def test_a_list_without_any_arr_says_so(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(due("A", 0.8, None), due("B", 0.3, None)))
    page = see(app)
    assert "no ARR is known" in page.words
    figures = ask(app, "/").text.split("<svg")[1].split("</svg>")[0]
    labels = re.findall(r'<text[^>]*class="end"[^>]*>([^<]*)<', figures)
    assert labels == ["0", "1", "2"]  # whole contracts, each of them once


def test_a_day_of_another_year_has_its_year(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(due("A", 0.8), due("B", 0.3, decision_date=date(2029, 2, 3))))
    words = see(app).words
    assert "Nov 15 14 days" in words
    assert "Feb 3, 2029 825 days" in words
    assert "Feb 3, 2029" in see(app, "/accounts/B").words


def test_an_expected_loss_of_one_account_claims_two_digits(
    app: Service, store: SnapshotStore
) -> None:
    store.publish(snapshot(due("A", 0.16745, 97_180.0)))
    words = see(app).words
    assert "Expected loss €16.3K of €97.2K ARR" in words  # a sum
    assert "17% r €16K" in words
    assert "Expected loss €16K" in see(app, "/accounts/A").words


def test_a_page_that_cannot_be_understood_names_what_it_cannot(app: Service) -> None:
    answer = ask(app, "/?sort=zz&<b>=1", headers={"Accept": "text/html"})
    assert answer.status_code == 422
    words = Page(answer.text).words
    assert "sort : One of rank," in words or "sort: One of rank," in words
    assert "<b>: Not a parameter of this page" in words.replace(" :", ":")


def test_pages_of_the_list_follow_one_another(app: Service, store: SnapshotStore) -> None:
    store.publish(snapshot(*(due(f"A{n:03}", 0.5, 1000.0 - n) for n in range(120))))
    first, last = see(app), see(app, "/?page=3")
    assert "Accounts 1\u201350 of 120" in first.words
    assert "/?page=2" in first.links()
    assert "Accounts 101\u2013120 of 120" in last.words
    assert "Company A119" in last.words
    assert "Page 3 of 3" in see(app, "/?page=77").words
    assert len(rows_of(app, "page=2")) == 120


def test_a_group_leads_to_its_accounts(app: Service, store: SnapshotStore) -> None:
    head = due("P1", 0.1, 10.0, parent_id=None, name="The parent")
    store.publish(snapshot(head, *SCORES))
    page = see(app, "/?group_by=parent&segment=smb")
    assert "The parent" in page.words
    assert "/?segment=smb&parent_id=P1" in page.links()
    assert "without a parent" in see(app, "/?group_by=parent").words


@pytest.mark.parametrize("name", [SHEET, ICON])
def test_files_are_kept_for_long_under_a_name_of_their_content(app: Service, name: str) -> None:
    asset = load_asset(name)
    answer = ask(app, asset.path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(asset.media_type)
    assert "immutable" in answer.headers["cache-control"]
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    problem(ask(app, "/static/keepwell.0000000000000000.css"), 404, "not-found")
