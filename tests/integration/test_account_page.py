"""The page of an account: what it shows, to whom, that its sums add up, and what its forms keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import TransientError
from models.account_score import AccountScore, Driver
from models.board import Board
from models.feedback import LOSSES, Feedback
from models.feedback_store import FeedbackStore, Reply
from models.key_store import KeyStore
from models.life import Outcome
from models.playbook_action import PlaybookAction
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.snapshot import Snapshot
from models.store import SnapshotStore
from serving.application import Service
from tests.integration.browser import Browser, add_probe
from tests.integration.client import serve
from tests.integration.company import DRIVERS, HEALTH, PLAYBOOKS, WARNED, due, lost, snapshot
from tests.integration.markup import Page, check_manners, check_policy

HOSTILE = '"><script>alert("x")</script>'
NORTH_STAR = {
    "north_star": {
        "feature": "value_actions_28d",
        "unit": "actions",
        "meaning": "Events that deliver value.",
        "change": "value_change_28d",
        "change_meaning": "Against the 28 days before.",
    }
}
CRM_URL = "https://crm.example.com/a/{external_id}?from={account_id}"
TODAY = datetime.now(UTC).date()
STEPS = tuple(
    Driver(f"signal_{index}", "usage", f"signal {index}", value, "share", points, points=points)
    for index, (value, points) in enumerate([(0.5, 0.0349), (0.2, 0.0249), (0.1, -0.0151)])
)


def told(account_id: str = "A", loss: float = 0.6, **changes: Any) -> AccountScore:
    """An account about which everything is known."""
    fields: dict[str, Any] = {
        "name": "Acme", "owner": "anna", "alerts": WARNED, "health": HEALTH,
        "north_star": 142.0, "north_star_change": -0.78, "playbooks": ("listen", "prepare-renewal"),
        "loss_probability_low": max(0.0, loss - 0.05),
        "loss_probability_high": min(1.0, loss + 0.1),
    }  # fmt: skip
    return due(account_id, loss, **{**fields, **changes})


def board_of(**known: Any) -> dict[str, Any]:
    """A board of which only some parts are known."""
    return {**dict.fromkeys(Board.__annotations__), "as_of": "2026-11-01", **known}


def publish(store: SnapshotStore, *scores: AccountScore, **changes: Any) -> str:
    """A snapshot with the documents that the page reads."""
    documents = {**PLAYBOOKS, "health": NORTH_STAR}
    return store.publish(snapshot(*scores, **{"documents": documents, **changes}))


@dataclass
class World:
    """A service with keys over a store."""

    app: Service
    store: SnapshotStore
    service: ServiceStore

    def reader(self, *scopes: str, of: dict[str, list[str]] | None = None) -> Browser:
        """Somebody who signed in."""
        given = scopes or ("scores:read", "people:read", "feedback:write")
        keys = KeyStore(self.service)
        made = keys.create("test", given, RowFilter(of or {}), now=datetime.now(UTC))
        assert self.app.guards.keys is not None
        self.app.guards.keys.refresh()
        browser = Browser(self.app, peer=f"2001:db8:{made.key.key_id.encode().hex()[:4]}::1")
        browser.sign_in(made.token)
        return browser

    @property
    def said(self) -> FeedbackStore:
        """What was kept."""
        return FeedbackStore(self.service)


@pytest.fixture(params=["in memory", "by request"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    memory_mb = 64 if request.param == "in memory" else 0
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store, ServiceStore(service_url) as service:
        app = serve(store_url, service_store_url=service_url, memory_mb=memory_mb, crm_url=CRM_URL)
        add_probe(app)
        yield World(app, store, service)
        app.close()


def read(answer: httpx.Response, status: int = 200) -> Page:
    """A page that keeps the policy and the manners; only the CRM is another host."""
    assert answer.status_code == status, answer.text
    page = Page(answer.text)
    for _, attributes in page.elements:
        if (attributes.get("href") or "").startswith("https://crm.example.com/"):
            attributes["href"] = "/crm"
    check_policy(page)
    check_manners(page)
    return page


def see(browser: Browser, path: str = "/accounts/A") -> Page:
    return read(browser.get(path))


def send(browser: Browser, form: str, account_id: str = "A", **fields: str) -> httpx.Response:
    return browser.post(f"/accounts/{account_id}/{form}", {"form_token": browser.token(), **fields})


def points_of(text: str, heading: str) -> tuple[float, list[float], float]:
    """Start, steps and end of the sum under a heading, as they are shown."""
    part = unescape(text.split(f'<h2 id="{heading}">')[1].split("</table>")[0])
    part = part.replace("\u2212", "-")
    ends = [float(one) for one in re.findall(r"([\d.]+)%(?:</strong>)?</td></tr>", part)]
    if heading == "change-title":
        shown = re.search(r"</span> ([\d.]+)% .*?<strong>([\d.]+)%", part, re.DOTALL)
        assert shown
        ends = [float(one) for one in shown.groups()]
    steps = re.findall(r'<td[^>]*class="number points"[^>]*>([+-]?[\d.]+)</td>', part)
    return ends[0], [float(one) for one in steps], ends[-1]


@pytest.mark.parametrize("loss", [0.6, 0.333, 0.0349, 0.0051, 0.995])
@pytest.mark.parametrize("drivers", [DRIVERS, STEPS])
def test_reasons_and_changes_that_are_shown_add_up(
    world: World, loss: float, drivers: tuple[Driver, ...]
) -> None:
    known = tuple(one._replace(points=one.points or 0.0123) for one in drivers)
    groups = {f"group {index}": 0.11 * index - 0.31 for index in range(9)}
    publish(world.store, told(loss=0.27, drivers=known))
    publish(world.store, told(loss=loss, drivers=known, contributions=groups))
    answer = world.reader().get("/accounts/A")
    for heading in ("why-title", "change-title"):
        start, steps, end = points_of(answer.text, heading)
        assert len(steps) >= 4
        assert start + sum(steps) == pytest.approx(end, abs=1e-9), heading


def test_the_north_star_stands_first_then_the_chance_with_its_basis(world: World) -> None:
    publish(world.store, told())
    words = see(world.reader()).words
    places = [words.index(one) for one in (
        "North star", "142 actions", "-78% against the time before",
        "Chance of loss: not renewing this contract", "High 60%", "€600",
        "to decide", "Health", "56 of 100")]  # fmt: skip
    assert places == sorted(places)
    assert "correlation, not cause" in words
    assert "What this number cannot know" in words


def test_what_became_of_accounts_scored_like_this_is_counted(world: World) -> None:
    others = [told(f"B{number}", 0.55 if number < 50 else 0.3) for number in range(60)]
    first = publish(world.store, *others)
    known = tuple(
        Outcome(snapshot_id=first, account_id=f"B{number}", lost=number % 2 == 0,
                known_on=date(2026, 11, 1), worked_on=False)
        for number in range(60)
    )  # fmt: skip
    publish(world.store, told(loss=0.5), told("Z", 0.31), *others, outcomes=known)
    reader = world.reader()
    assert "of 100 accounts scored like this, 50 did not renew (37\u201363)" in see(reader).words
    assert "50 chances from 45% to 60%" in see(reader).words
    words = see(reader, "/accounts/Z").words
    assert "of 100 accounts scored like this, about 31 are expected not to renew" in words
    # Who sees few accounts is told nothing of the others.
    of_few = world.reader("scores:read", of={"owner": ["nobody", "anna"], "region": ["emea"]})
    assert "50 did not renew" in see(of_few).words
    publish(world.store, told(loss=0.5, region="apac"), *others)
    alone = world.reader("scores:read", of={"region": ["apac"]})
    assert "are expected not to renew" in see(alone).words


def test_an_account_outside_the_row_filter_is_no_page_and_takes_no_form(world: World) -> None:
    publish(world.store, told(), told("B", segment="mid", name="Bravo"))
    reader = world.reader("scores:read", "feedback:write", of={"segment": ["smb"]})
    assert see(reader).words
    for answer in (reader.get("/accounts/B"), reader.get("/accounts/none"),
                   send(reader, "feedback", "B", disposition="agree"),
                   send(reader, "mute", "B", rule="poor_fit"),
                   send(reader, "playbooks", "B", playbook="listen", status="started"),
                   send(reader, "loss-reason", "B", loss="price")):  # fmt: skip
        assert answer.status_code == 404
        assert "Bravo" not in answer.text
    assert not world.said.feedback("B", limit=9)
    # Of the same parent, only those that it sees are counted.
    assert "other account of it" not in see(reader).words
    assert "1 other account of it" in see(world.reader()).words


def test_names_and_notes_of_people_go_to_those_who_may_read_them(world: World) -> None:
    board = board_of(names={"u1": "Jane Weber"})
    publish(world.store, told(), boards={"A": board})
    writer = world.reader()
    assert send(writer, "feedback", disposition="agree", note="Jane says so").status_code == 303
    send(writer, "mute", rule="poor_fit", mute_days="7", mute="expected", note="Jane again")
    send(writer, "playbooks", playbook="listen", status="started", note="Jane calls")
    assert "Owner: anna" in see(writer).words
    for note in ("Jane says so", "Jane again", "Jane calls"):
        assert note in see(writer).words
    plain = see(world.reader("scores:read")).words
    assert "Jane" not in plain
    assert "anna" not in plain
    assert "Your key may read, not write." in plain


def test_hostile_names_and_notes_stay_text_in_both_languages(world: World) -> None:
    alerts = (WARNED[0]._replace(rule="odd", subject=HOSTILE, text=HOSTILE, status="opened"),)
    driver = DRIVERS[0]._replace(text=HOSTILE, unit=HOSTILE, group=HOSTILE, previous=HOSTILE)
    hostile = told('A/"<b>?', name=HOSTILE, segment=HOSTILE, alerts=alerts, drivers=(driver,),
                   owner=HOSTILE, external_id='0 "/?#', contributions={HOSTILE: 0.5})  # fmt: skip
    board = board_of(
        touchpoints=[{"on": "2026-10-30", "kind": HOSTILE, "initiated_by": None}],
        interventions=[{"on": "2026-10-30", "playbook": HOSTILE, "status": HOSTILE}],
    )
    publish(world.store, hostile, as_of=date(2026, 10, 1))
    publish(world.store, replace(hostile, loss_probability=0.7),
            boards={hostile.account_id: board})  # fmt: skip
    reader = world.reader()
    path = "A%2F%22%3Cb%3E%3F"
    assert send(reader, "feedback", path, disposition="agree", note=HOSTILE).status_code == 303
    for language in ("en", "zh"):
        answer = reader.get(f"/accounts/{path}", **{"Accept-Language": language})
        read(answer)
        assert "<script" not in answer.text
        assert answer.text.count("&lt;script&gt;") > 5
        assert f'action="/accounts/{path}/feedback"' in answer.text
        assert "https://crm.example.com/a/0%20%22%2F%3F%23?from=A%2F%22%3Cb%3E%3F" in answer.text


def test_a_form_is_kept_once_and_leads_back_to_a_page_that_says_so(world: World) -> None:
    snapshot_id = publish(world.store, told())
    reader = world.reader()
    fields = {
        "disposition": "snooze",
        "reason": "already_known",
        "snooze_days": "14",
        "note": "  line one\r\nline two ",
        "once": "abc123",
        "snapshot_id": snapshot_id,
    }
    for _ in range(2):  # a second click
        answer = send(reader, "feedback", **fields)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/accounts/A?said=feedback#say"
    (kept,) = world.said.feedback("A", limit=9)
    assert kept.note == "line one\nline two"
    assert kept.snooze_until == TODAY + timedelta(14)
    assert (kept.reason, kept.snapshot_id) == ("already_known", snapshot_id)
    send(reader, "feedback", **{**fields, "note": "another"})
    assert len(world.said.feedback("A", limit=9)) == 2
    words = see(reader, "/accounts/A?said=feedback").words
    assert "Saved: what you said about this score." in words
    assert "Look again later \u2013 known already" in words
    assert "Saved" not in see(reader, "/accounts/A?said=<b>").words


def test_a_playbook_is_offered_with_the_warnings_and_drivers_that_ask_for_it(world: World) -> None:
    asking = (STEPS[0]._replace(playbook="listen"), STEPS[1], STEPS[2])
    publish(world.store, told(drivers=asking))
    words = see(world.reader()).words
    assert "because of: Poor fit, signal 0" in words
    # Nothing is known to ask for the other one, as in a snapshot of an older Keepwell.
    assert "because of its strongest signals" in words


def test_warnings_are_muted_with_a_reason_and_playbooks_started_and_done(world: World) -> None:
    publish(world.store, told())
    reader = world.reader()
    words = see(reader).words
    assert "Warnings 2 open" in words
    assert "first seen Oct 1, 2026" in words
    assert "Closed in these scores" in words
    answer = send(reader, "mute", rule="module_use_halved", subject="reporting", mute_days="30",
                  mute="usage_is_seasonal")  # fmt: skip
    assert answer.headers["location"] == "/accounts/A?said=mute#warnings"
    assert "Muted until" in see(reader).words
    assert send(reader, "playbooks", playbook="listen", status="started").status_code == 303
    assert re.search(r"Started \w+ \d+, \d+, due", see(reader).words)
    assert send(reader, "playbooks", playbook="listen", status="done").status_code == 303
    assert [one.status for one in world.said.playbook_actions("A")] == ["done", "started"]
    assert "Done about it before" in see(reader).words
    assert not re.search(r"Started \w+ \d+, \d+, due", see(reader).words)


@pytest.mark.parametrize(
    ("form", "fields", "message"),
    [
        ("feedback", {}, "Choose one of these."),
        ("feedback", {"disposition": "agree", "reason": "odd"}, "Choose one of these."),
        ("feedback", {"disposition": "snooze", "snooze_days": "-1"}, "Say for how long."),
        ("feedback", {"disposition": "snooze", "snooze_days": "9999999999"}, "Say for how long."),
        ("feedback", {"disposition": "agree", "note": "n" * 2001}, "Write at most 2,000"),
        ("feedback", {"disposition": "agree", "snapshot_id": "gone"}, "were replaced meanwhile"),
        ("mute", {"rule": "poor_fit", "mute_days": "7"}, "Choose one of these."),
        ("mute", {"rule": "odd", "mute_days": "7", "mute": "other"}, "not there any more"),
        ("playbooks", {"playbook": "listen"}, "Choose one of these."),
        ("playbooks", {"playbook": "odd", "status": "done"}, "not there any more"),
        ("playbooks", {"playbook": "listen", "status": "started", "due_on": "2020-01-01"},
         "Choose a day from today on."),
        ("playbooks", {"playbook": "listen", "status": "started", "due_on": "soon"},
         "Choose a day from today on."),
        ("loss-reason", {"loss": "price"}, "say why once it is lost"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_at_its_field_and_what_was_typed_stays(
    world: World, form: str, fields: dict[str, str], message: str
) -> None:
    publish(world.store, told())
    reader = world.reader()
    answer = send(reader, form, **{"note": "my long story", **fields})
    page = read(answer, 422)
    assert "Not saved." in page.words
    assert message in page.words
    if form == "feedback" and "note" not in fields:
        assert "my long story</textarea>" in answer.text
    if "were replaced" not in message and "not there" not in message and form != "loss-reason":
        assert any(one.get("aria-invalid") for _, one in page.elements)
    assert not world.said.feedback("A", limit=9)
    assert not world.said.playbook_actions("A")
    assert not world.said.mutes("A")


def test_forms_of_other_sites_and_keys_that_only_read_are_refused(world: World) -> None:
    publish(world.store, told())
    reader, plain = world.reader(), world.reader("scores:read")
    forged = {"disposition": "agree", "form_token": "0" * 96}
    assert reader.post("/accounts/A/feedback", forged).status_code == 403
    for headers in ({"Origin": "https://elsewhere.example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        token = reader.token()
        fields = {"disposition": "agree", "form_token": token}
        assert reader.post("/accounts/A/feedback", fields, **headers).status_code == 403
    assert send(plain, "feedback", disposition="agree").status_code == 403
    assert not world.said.feedback("A", limit=9)


def test_an_account_that_is_gone_has_a_page_with_its_history_and_a_form_for_the_reason(
    world: World,
) -> None:
    publish(world.store, told("B"), told())
    publish(world.store, told("B", 0.4), told(loss=0.9))
    publish(world.store, told("B"))
    reader = world.reader()
    page = see(reader)
    assert "This account is no customer any more." in page.words
    assert "Last scored on" in page.words
    assert "Chance of loss over time" in page.words
    assert "Why now" not in page.words
    assert "Do next" not in page.words
    options = {one.get("value") for one in page.all("option")}
    assert set(LOSSES) <= options
    assert send(reader, "loss-reason", loss="price").status_code == 303
    assert "Lost because of: price" in see(reader, "/accounts/A?said=loss").words
    assert send(reader, "feedback", disposition="agree").status_code == 404
    outside = world.reader("scores:read", of={"segment": ["mid"]})
    assert outside.get("/accounts/A").status_code == 404


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lost("A"), "Notice was given"),
        (due("A", 0.5, state="renewed", loss_probability=None, basis=None, drivers=(),
             arr_at_risk=None, arr_to_decide=None, risk_tier=None, contributions={},
             base_log_odds=None, churn_probability=None, renewal_likelihood=None),
         "The contract is renewed"),
        (AccountScore(account_id="A", state="too_little_history", abstained="too_little_history"),
         "There is too little history"),
        (AccountScore(account_id="A", state="to_decide", abstained="interval_too_wide"),
         "The model is too unsure"),
        (AccountScore(account_id="A", state="no_term"), "No model gives a chance"),
        (due("A", 0.7, state="in_grace"), "the contract ended, nothing is signed"),
    ],
)  # fmt: skip
def test_every_state_is_told_as_it_is(world: World, score: AccountScore, message: str) -> None:
    publish(world.store, score)
    page = see(world.reader())
    assert message in page.words
    assert "These are the first scores" in page.words
    if score.loss_probability is None:
        assert "Without a chance there is nothing to explain." in page.words


def test_old_and_backfilled_scores_say_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(world.store, told(), backfilled=True)
    assert "made later for a past date" in see(world.reader()).words
    assert "These scores are old." not in see(world.reader()).words
    monkeypatch.setattr(world.app.guards.shelves, "_stale_after_days", 1.0)
    assert "These scores are old." in see(world.reader()).words


def test_without_a_snapshot_the_page_says_that_there_are_no_scores(world: World) -> None:
    answer = world.reader().get("/accounts/A")
    assert answer.status_code == 503
    assert "There are no scores yet" in answer.text


def test_the_history_marks_contacts_warnings_playbooks_and_models(world: World) -> None:
    models = {"churn": None, "renewal": {"version": "2", "max_lead_days": 180}}
    opened = (WARNED[0]._replace(status="opened"),)
    publish(world.store, told(alerts=()), as_of=date(2026, 9, 1), models=models)
    publish(world.store, told(loss=0.3, alerts=()), as_of=date(2026, 10, 1), models=models)
    contacts = (("2026-09-15", "call"), ("2026-09-30", "qbr"), ("2026-10-01", "email"))
    board = board_of(
        touchpoints=[{"on": on, "kind": kind, "initiated_by": "vendor"} for on, kind in contacts],
        interventions=[{"on": "2026-10-20", "playbook": "listen", "status": "done"}],
    )
    publish(world.store, told(alerts=opened), boards={"A": board})
    answer = world.reader().get("/accounts/A")
    page = read(answer)
    assert "From 60% on Sep 1, 2026 to 60% on Nov 1, 2026." in page.words
    rows = re.findall(r"<tr><th scope=\"row\">(\w+ \d+, \d+)</th>(.*?)</tr>", answer.text)
    cells = {day: unescape(text) for day, text in rows}
    assert "● call, business review" in cells["Oct 1, 2026"]
    assert "● email" in cells["Nov 1, 2026"]  # what came on a day is known the day after
    assert "▲ another version of the model" in cells["Nov 1, 2026"]
    assert "◆ " in cells["Nov 1, 2026"]
    assert "✚ " in cells["Nov 1, 2026"]
    assert "●" not in cells["Sep 1, 2026"]


def test_what_a_companys_own_table_says_of_work_is_in_words_or_as_it_wrote_it(
    world: World,
) -> None:
    done = [
        {"on": f"2026-10-0{day}", "playbook": "listen", "status": status}
        for day, status in enumerate(("DECLINED", "planned", "won_BACK", None), 1)
    ]
    publish(world.store, told(), boards={"A": board_of(interventions=done)})
    for language, words in (
        ("en", ("declined", "planned", "won_BACK")),
        ("zh", ("已拒绝", "计划中", "won_BACK")),
    ):
        text = world.reader().get("/accounts/A", **{"Accept-Language": language}).text
        for status in words:  # in the list of what was done, and on the board
            assert f"<small>{status}</small>" in text
            assert f">{status}</td>" in text
        assert "DECLINED" not in text


def test_after_a_playbook_its_figures_are_an_observation(world: World) -> None:
    daily = {"first_day": "2026-09-01", "value_actions": [10] * 40 + [20] * 21,
             "active_users": None}  # fmt: skip
    board = board_of(daily=daily)
    snapshot_id = publish(world.store, told(), boards={"A": board})
    began = datetime(2026, 10, 11, 9, tzinfo=UTC)  # the 41st day
    action = PlaybookAction(account_id="A", playbook="listen", status="started",
                            due_on=date(2026, 10, 20), snapshot_id=snapshot_id, key_id=None,
                            created_at=began)  # fmt: skip
    add(world, action)
    words = see(world.reader()).words
    assert "the 21 known after: value actions 10 → 20" in words
    assert "An observation, not an effect." in words
    assert "overdue since Oct 20, 2026" in words


def test_when_the_service_store_is_away_the_page_still_shows_the_account(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(world.store, told())
    reader = world.reader()

    def fail(*_: object, **__: object) -> list[Feedback]:
        raise TransientError("the service store is away")

    monkeypatch.setattr(FeedbackStore, "feedback", fail)
    words = see(reader).words
    assert "High 60%" in words
    assert "cannot be read or taken right now" in words


def add(world: World, entry: PlaybookAction) -> None:
    """Keep something as if it had been said then."""
    assert world.said.add(entry, Reply(303, b"")) is not None


def test_without_a_crm_or_its_id_there_is_no_link(world: World) -> None:
    publish(world.store, told(external_id=None), told("B"))
    reader = world.reader()
    assert "Open in the CRM" not in see(reader).words
    assert "https://crm.example.com/a/001B?from=B" in reader.get("/accounts/B").text


def test_a_change_across_two_questions_is_no_change_of_the_customer(world: World) -> None:
    made: Snapshot = snapshot(told(loss=0.2, basis="churn", churn_probability=0.2))
    world.store.publish(made)
    publish(world.store, told(loss=0.5))
    assert "The two speak of different things" in see(world.reader()).words


def test_evidence_is_told_in_the_readers_language(world: World) -> None:
    text = {"en": "use of {subject} {value}", "zh": "{subject} 使用量 {value}"}
    rule: dict[str, Any] = {
        "name": "module_use_halved",
        "severity": "soon",
        "title": {"en": "Halved", "zh": "减半"},
        "text": text,
    }
    publish(world.store, told(), documents={**PLAYBOOKS, "warnings": [rule]})
    answer = world.reader().get("/accounts/A", **{"Accept-Language": "zh"})
    assert "reporting 使用量 -60%" in read(answer).words
    assert "减半: reporting" in read(answer).words


def test_what_moved_the_health_adds_up(world: World) -> None:
    factors = (HEALTH.factors[0]._replace(score=33.33), HEALTH.factors[1]._replace(score=91.11))
    before = replace(HEALTH, score=0.75 * 33.33 + 0.25 * 91.11, factors=factors)
    publish(world.store, told(health=before))
    publish(world.store, told())
    text = world.reader().get("/accounts/A").text
    total = re.search(r"Health: ([+-][\d.]+) of 100", text)
    assert total
    steps = re.findall(r'<span class="number points">([+-]?[\d.]+)</span>', text)
    assert len(steps) >= 2
    assert sum(map(float, steps)) == pytest.approx(float(total[1]), abs=1e-9)
