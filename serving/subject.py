"""The account that somebody speaks of, one that is gone included."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from features.salesforce import other_form
from models.account_score import State
from serving.caller import Caller
from serving.endpoint import get_shelf, get_shelves
from serving.lookup import unknown_account
from serving.problem import RequestError, field_fault

LOST: State = "notice_given"


@dataclass(frozen=True, slots=True)
class Subject:
    """An account that the caller sees.

    Parameters
    ----------
    account_id : str
    external_id : str or None
    is_lost : bool
        Whether it gave notice, or is gone.
    is_gone : bool
        Whether it is in an earlier snapshot and not in the current one.
    """

    account_id: str
    external_id: str | None
    is_lost: bool
    is_gone: bool


async def find_subject(
    request: Request,
    caller: Caller,
    identifier: str,
    *,
    is_external: bool,
    also_gone: bool = False,
) -> Subject:
    """An account of the current snapshot, else of the last one that held it.

    Parameters
    ----------
    request : Request
    caller : Caller
        Whose row filter goes by the account as it was last told.
    identifier : str
        Of either kind.
    is_external : bool
        Whether it is the CRM's.
    also_gone : bool
        Whether earlier snapshots are looked at.

    Raises
    ------
    RequestError
        There is none, or none that the caller sees.
    """
    shelf, shelves = await get_shelf(request), get_shelves(request)
    (entry,) = await shelves.ask(shelf, lambda: shelf.find_many([identifier], external=is_external))
    if entry is not None:
        if not caller.row_filter.admits(entry):
            raise unknown_account(shelf, identifier)
        return Subject(entry.account_id, entry.external_id, entry.state == LOST, is_gone=False)
    if also_gone:
        ids = [identifier]
        if is_external and (other := other_form(identifier)):
            ids.append(other)
        company = shelf.header.company
        gone = await shelves.run(
            lambda: shelves.reader.last_known(company, ids, is_external=is_external)
        )
        if gone is not None and caller.row_filter.admits(gone):
            name = gone.account_id
            # Under another external id it may still be there.
            if await shelves.ask(shelf, lambda: shelf.find(name)) is None:
                return Subject(name, gone.external_id, is_lost=True, is_gone=True)
    raise unknown_account(shelf, identifier)


async def find_snapshot(request: Request, about: Subject, snapshot_id: str | None) -> str:
    """The snapshot whose score somebody saw: the one that is named, else the current one.

    Raises
    ------
    RequestError
        It is not kept, or the account is not in it.
    """
    shelf, shelves = await get_shelf(request), get_shelves(request)
    if snapshot_id is None or snapshot_id == shelf.snapshot_id:
        return shelf.snapshot_id
    seen = await shelves.find(snapshot_id)
    if seen is None or await shelves.ask(seen, lambda: seen.find(about.account_id)) is None:
        expected = "Must be a snapshot that is kept and holds the account"
        raise RequestError.of_fields([field_fault(("body", "snapshot_id"), expected)])
    return snapshot_id
