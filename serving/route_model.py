"""``/model``: the models behind the scores, for people who are not data scientists."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from serving.cards import Cards
from serving.endpoint import get_shelf, get_shelves
from serving.model_view import view_models
from serving.page import answer_page, make_page_router
from serving.page_caller import PageCaller
from serving.page_language import Language
from serving.portfolio_ledger import Ledger

router = make_page_router()
MODEL_PATH = "/model"


@router.get(MODEL_PATH)
async def get_model_page(request: Request, caller: PageCaller) -> Response:
    """What the models predict, how good they are, and what they cannot know."""
    shelf, cards, ledger = await get_shelf(request), get_cards(request), get_ledger(request)
    is_stale = get_shelves(request).is_stale(shelf)

    def make_values(language: Language) -> Mapping[str, object]:
        return view_models(shelf, cards, ledger, caller, language, is_stale=is_stale)

    return await answer_page(request, "model.html", make_values)


def get_cards(request: Request) -> Cards:
    """The cards of the application."""
    cards = request.app.state.cards
    assert isinstance(cards, Cards)
    return cards


def get_ledger(request: Request) -> Ledger:
    """The ledger of the application."""
    ledger = request.app.state.ledger
    assert isinstance(ledger, Ledger)
    return ledger
