"""A page with the frame around what a route shows: header, languages, sign-out, footer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from serving.form import form_token
from serving.page_language import PARAMETER, choose_language, load_languages
from serving.page_template import render
from serving.visit import Way, visit_of

ACCOUNT_FOLDER = "/accounts/"


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the header leads to.

    Parameters
    ----------
    path : str
    name : str
        In English; translated where it is shown.
    """

    path: str
    name: str


PLACES = (
    Place("/", _("Portfolio")),
    Place("/modules", _("Modules and cohorts")),
    Place("/model", _("Model")),
)


def render_framed(request: Request, template: str, **values: object) -> str:
    """A page as HTML in the language of whoever sends a request.

    Parameters
    ----------
    request : Request
        From which the frame is told.
    template : str
        Its file's name.
    **values : object
        What it shows.
    """
    return render(template, choose_language(request), **{**make_frame(request), **values})


def make_frame(request: Request) -> dict[str, object]:
    """What ``base.html`` shows around every page."""
    paths: frozenset[str] = request.app.state.page_paths
    here, visit = request.url.path, visit_of(request.scope)
    return {
        "here": here,
        "places": [place for place in PLACES if place.path in paths],
        "has_accounts": any(path.startswith(ACCOUNT_FOLDER) for path in paths),
        "language_links": {code: link_language(request, code) for code in load_languages()},
        "signed_in": visit.way is Way.SESSION,
        "form_token": form_token(request) if visit.sees_pages else None,
    }


def link_language(request: Request, code: str) -> str:
    """The same page in another language."""
    kept = [
        (name, value) for name, value in request.query_params.multi_items() if name != PARAMETER
    ]
    return f"{request.url.path}?{urlencode([*kept, (PARAMETER, code)])}"
