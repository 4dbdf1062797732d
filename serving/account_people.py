"""The people of an account on its board: key users first, by name where the reader may know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from models.board import Board, Person
from serving.board_part import Part, write_count, write_day
from serving.page_format import MISSING
from serving.page_grid import Grid
from serving.page_language import Language
from serving.page_wording import unfold


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


ROLE_WORDS = {
    "champion": _("champion"),
    "executive": _("executive"),
    "admin": _("admin"),
    "contact": _("contact"),
    "member": _("member"),
}


def show_people(board: Board, language: Language, *, people: bool) -> Part:
    """Key users, and all others on demand.

    Parameters
    ----------
    board : Board
    language : Language
    people : bool
        Whether names may be shown.
    """
    text, found = language.text, board["people"]
    title = text("People")
    if found is None:
        note = text("There is no users table and usage names no users, so nobody is known.")
        return Part(name="people", title=title, notes=(note,))
    names = (board["names"] or {}) if people else {}
    keys = [one for one in found["users"] if one["key"]]
    others = [one for one in found["users"] if not one["key"]]
    as_of = date.fromisoformat(board["as_of"])
    return Part(
        name="people",
        title=title,
        notes=_note(board, keys, others, language, people=people),
        grid=_list(text("Key users"), keys, names, as_of, language) if keys else None,
        rest=_list(text("All other users"), others, names, as_of, language) if others else None,
    )


def _note(
    board: Board,
    keys: Sequence[Person],
    others: Sequence[Person],
    language: Language,
    *,
    people: bool,
) -> list[str]:
    text = language.text
    assert board["people"] is not None
    notes = []
    if not keys:
        notes.append(text("No champion, executive, admin or contact is known."))
    if not others and not keys:
        notes.append(text("No user of this account is known."))
    if more := board["people"]["more"]:
        notes.append(text("%s more users are not listed.") % write_count(more, language))
    if not people:
        notes.append(text("Names are shown to keys that may read people; here are user ids."))
    return notes


def _list(
    caption: str,
    users: Sequence[Person],
    names: Mapping[str, str],
    as_of: date,
    language: Language,
) -> Grid:
    text = language.text
    return Grid(
        caption=caption,
        columns=(
            text("Person"),
            text("Role"),
            text("Last use"),
            text("Days of 28"),
            text("Events of 28 days"),
        ),
        rows=[
            (
                names.get(one["user_id"]) or one["user_id"],
                _name_role(one["role"], language),
                _write_last(one, as_of, language),
                write_count(one["days"], language),
                write_count(one["events"], language),
            )
            for one in users
        ],
        numbers=frozenset({3, 4}),
    )


def _name_role(role: str | None, language: Language) -> str:
    if role is None:
        return MISSING
    known = ROLE_WORDS.get(role)
    return language.text(known) if known else unfold(role)


def _write_last(person: Person, as_of: date, language: Language) -> str:
    """The last use in words; who is gone, or was never seen, is said to be."""
    text = language.text
    if person["deactivated_on"] is not None:
        return text("gone since %s") % write_day(person["deactivated_on"], language)
    if person["last_use"] is None:
        # Without usage nobody knows; with it the person was not seen.
        return MISSING if person["events"] is None else text("never seen")
    days = (as_of - date.fromisoformat(person["last_use"])).days
    if days <= 1:
        return text("the day before")
    return language.catalogue.ngettext("%s day ago", "%s days ago", days) % language.formats.count(
        days
    )
