"""``/modules``: how a product is taken up, how long customers stay, what warnings are worth."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from starlette.responses import Response

from serving.endpoint import get_shelf, get_shelves
from serving.modules_desk import ModulesDesk
from serving.page import answer_page, make_page_router
from serving.page_caller import PageCaller
from serving.page_language import Language

router = make_page_router()


@router.get("/modules")
async def get_modules_page(request: Request, caller: PageCaller) -> Response:
    """Modules, cohorts, contacts, losses and warnings of the accounts that the reader sees."""
    shelf = await get_shelf(request)
    desk = request.app.state.modules_desk
    assert isinstance(desk, ModulesDesk)
    is_stale = get_shelves(request).is_stale(shelf)

    def make_values(language: Language) -> Mapping[str, object]:
        return desk.view(shelf, caller, language, is_stale=is_stale)

    return await answer_page(request, "modules.html", make_values)
