"""``/accounts/{account_id}``: one account, and what people say about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from features.errors import InputError, TransientError
from models.account_score import AccountScore
from models.feedback_store import FeedbackStore, Reply
from serving.account_form import FormFault, FormName, RefusedForm, Told, read_entry, read_sending
from serving.account_view import AccountDesk, Sayings
from serving.account_wording import CHOICES
from serving.caller import Caller
from serving.endpoint import get_shelf, get_shelves, require
from serving.form import Form
from serving.lookup import unknown_account
from serving.page import answer_page, link_account, make_page_router
from serving.page_caller import PageCaller
from serving.page_language import Language
from serving.problem import RequestError
from serving.shelf import Shelf
from serving.subject import Subject, find_snapshot, find_subject
from serving.writing import get_store

router = make_page_router()
MOST_FEEDBACK = 20
PATH = "/accounts/{account_id:path}"
PLACES: Mapping[FormName, str] = {
    "feedback": "say", "loss": "say", "mute": "warnings", "playbook": "next",
}  # fmt: skip


@router.post(PATH + "/feedback")
async def send_feedback(
    request: Request, form: Form, caller: PageCaller, account_id: str
) -> Response:
    """Keep what somebody says about the score."""
    return await _take(request, form, caller, account_id, "feedback")


@router.post(PATH + "/loss-reason")
async def send_loss_reason(
    request: Request, form: Form, caller: PageCaller, account_id: str
) -> Response:
    """Keep why the account was lost."""
    return await _take(request, form, caller, account_id, "loss")


@router.post(PATH + "/mute")
async def send_mute(request: Request, form: Form, caller: PageCaller, account_id: str) -> Response:
    """Silence a warning for a time."""
    return await _take(request, form, caller, account_id, "mute")


@router.post(PATH + "/playbooks")
async def send_playbook(
    request: Request, form: Form, caller: PageCaller, account_id: str
) -> Response:
    """Keep that a playbook was started, done or dismissed."""
    return await _take(request, form, caller, account_id, "playbook")


@router.get(PATH)
async def get_account_page(request: Request, caller: PageCaller, account_id: str) -> Response:
    """How likely it is lost, why, what changed, what to do; of one that is gone its history."""
    about = await find_subject(request, caller, account_id, is_external=False, also_gone=True)
    said = request.query_params.get("said")
    return await _show(request, caller, about, said=said if said in CHOICES["said"] else None)


async def _take(
    request: Request, fields: Mapping[str, str], caller: Caller, account_id: str, form: FormName
) -> Response:
    """Keep what a form says once, and send the browser to the page that tells of it."""
    require(caller, "feedback:write")
    also_gone = form == "loss"
    about = await find_subject(request, caller, account_id, is_external=False, also_gone=also_gone)
    store = get_store(request)
    try:
        told = await _tell(request, caller, about, fields, form)
        entry = read_entry(form, fields, told)
    except RefusedForm as refused:
        fault = FormFault(form, fields, refused.faults)
        page = await _show(request, caller, about, fault=fault)
        page.status_code = 422
        return page
    sending = read_sending(form, fields, told)
    await get_shelves(request).run(lambda: store.add(entry, Reply(303, b""), sending))
    goal = f"{link_account(about.account_id)}?said={form}#{PLACES[form]}"
    return RedirectResponse(goal, 303)


async def _tell(
    request: Request, caller: Caller, about: Subject, fields: Mapping[str, str], form: FormName
) -> Told:
    shelf, desk = await get_shelf(request), get_desk(request)
    if form == "loss" and not about.is_lost:
        raise RefusedForm(loss="kept")
    try:
        seen = await find_snapshot(request, about, fields.get("snapshot_id") or None)
    except RequestError:
        if form != "loss":
            raise RefusedForm(snapshot_id="seen") from None
        seen = shelf.snapshot_id
    score, playbooks = await get_shelves(request).run(
        lambda: (_find(desk, shelf, about), desk.playbooks(shelf))
    )
    return Told(
        account_id=about.account_id,
        snapshot_id=seen,
        key_id=caller.key_id,
        now=datetime.now(UTC),
        score=score,
        playbooks=playbooks,
    )


async def _show(
    request: Request,
    caller: Caller,
    about: Subject,
    *,
    said: str | None = None,
    fault: FormFault | None = None,
) -> Response:
    shelf, desk = await get_shelf(request), get_desk(request)
    is_stale = get_shelves(request).is_stale(shelf)
    today = datetime.now(UTC).date()

    def make_values(language: Language) -> Mapping[str, object]:
        score = _find(desk, shelf, about)
        if not caller.row_filter.admits(score):  # it moved out of sight just now
            raise unknown_account(shelf, about.account_id)
        return desk.view(
            shelf, score, caller, language, _read_sayings(request, about.account_id),
            is_gone=about.is_gone, is_stale=is_stale, today=today, said=said, fault=fault,
        )  # fmt: skip

    return await answer_page(request, "account.html", make_values)


def _find(desk: AccountDesk, shelf: Shelf, about: Subject) -> AccountScore:
    score = desk.find(shelf, about.account_id)
    if score is None:  # its last snapshot was removed just now
        raise unknown_account(shelf, about.account_id)
    return score


def _read_sayings(request: Request, account_id: str) -> Sayings:
    """What was said; the page is shown also where the service store does not answer."""
    service_store = request.app.state.guards.service_store
    if service_store is None:
        return Sayings(is_away=True)
    store = FeedbackStore(service_store)
    try:
        return Sayings(
            feedback=store.feedback(account_id, limit=MOST_FEEDBACK),
            losses=store.loss_reasons(account_id),
            mutes=store.mutes(account_id),
            actions=store.playbook_actions(account_id),
        )
    except (InputError, TransientError):
        return Sayings(is_away=True)


def get_desk(request: Request) -> AccountDesk:
    """The desk of the application."""
    desk = request.app.state.account_desk
    assert isinstance(desk, AccountDesk)
    return desk
