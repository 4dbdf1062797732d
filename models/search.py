"""The text by which an account is found, and how what people type is compared with it."""

from __future__ import annotations

import unicodedata

BETWEEN = "\n"  # never typed into a search field, so no search spans two ids


def fold(text: str) -> str:
    """The text without differences of case and width: what is found is the same in both stores.

    SQLite lowers ASCII only and PostgreSQL as its locale says, so neither is asked to.
    """
    return unicodedata.normalize("NFKC", text).casefold()


def make_search_text(account_id: str, external_id: str | None, name: str | None) -> str:
    """What an account is searched by: its ids and its name, folded."""
    return fold(BETWEEN.join(part for part in (name, account_id, external_id) if part))
