"""``/sign-in`` and ``/sign-out``: a key for a session, and its end."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from models.key import read_token
from serving.caller import Caller
from serving.cookie import FORM, SESSION, clear_cookie, set_cookie
from serving.form import Form, form_token
from serving.gate import Guards
from serving.own_path import HOME, own_path
from serving.page_caller import PageCaller
from serving.page_frame import render_framed
from serving.problem import STORE_AWAY, RequestError
from serving.sign_in_limit import find_address
from serving.visit import Way, visit_of
from serving.zone import SIGN_IN, SIGN_OUT

router = APIRouter(include_in_schema=False)


@router.get(SIGN_IN)
async def get_sign_in(
    request: Request, wanted: Annotated[str, Query(alias="next")] = HOME
) -> Response:
    """The form; whoever is known already is sent on."""
    goal = own_path(wanted)
    if visit_of(request.scope).sees_pages:
        return RedirectResponse(goal, 303)
    return _page(request, goal)


@router.post(SIGN_IN)
async def sign_in(request: Request, form: Form) -> Response:
    """Begin a session with a key; one that the browser had ends."""
    guards, visit = _guards(request), visit_of(request.scope)
    goal = own_path(form.get("next", HOME))
    if visit.way in (Way.LOCAL, Way.PERSON):
        return RedirectResponse(goal, 303)
    address = find_address(
        guards.settings.proxy, request.client and request.client.host, request.scope["headers"]
    )
    if wait_s := await guards.sign_in_limit.count(address):
        guards.metrics.note_sign_in("limited")
        return _page(request, goal, "limited", 429, {"Retry-After": str(wait_s)})
    caller = await _find_holder(guards, form.get("key", ""))
    if caller is None or not caller.may("scores:read"):
        guards.metrics.note_sign_in("refused")
        return _page(request, goal, "refused" if caller is None else "scope", 403)
    await _begin(request, caller)
    guards.metrics.note_sign_in("ok")
    return RedirectResponse(goal, 303)


@router.post(SIGN_OUT)
async def sign_out(request: Request, _form: Form, _caller: PageCaller) -> Response:
    """End the session; who needs none stays."""
    guards, visit = _guards(request), visit_of(request.scope)
    if guards.sessions is None or visit.session is None:
        return RedirectResponse(HOME, 303)
    # Also where the store is away: then the browser forgets it, and this process does.
    clear_cookie(visit, SESSION)
    await guards.sessions.end(visit.session)
    return RedirectResponse(SIGN_IN, 303)


async def _find_holder(guards: Guards, key: str) -> Caller | None:
    """Whose key it is, also one that was made a moment ago.

    The time tells whether there is such an id, which is no secret, and nothing about the secret.
    """
    if guards.keys is None:
        return None
    if not guards.keys.is_read:
        raise RequestError(STORE_AWAY, "The keys could not be read yet.")
    token = key.strip().encode("utf-8", "replace")
    if parts := read_token(token):
        await guards.keys.know(parts[0])
    return guards.keys.caller(b"Bearer " + token)


async def _begin(request: Request, caller: Caller) -> None:
    sessions, visit = _guards(request).sessions, visit_of(request.scope)
    assert sessions is not None
    assert caller.key_id is not None
    secret = await sessions.begin(caller.key_id)
    set_cookie(visit, SESSION, secret.encode("ascii"))
    if visit.session is None:
        clear_cookie(visit, FORM)  # from here on the forms are the session's
    else:
        await sessions.end(visit.session)


def _page(
    request: Request,
    goal: str,
    fault: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    page = render_framed(
        request, "sign_in.html", goal=goal, fault=fault, form_token=form_token(request)
    )
    return HTMLResponse(page, status, headers)


def _guards(request: Request) -> Guards:
    guards = request.app.state.guards
    assert isinstance(guards, Guards)
    return guards
