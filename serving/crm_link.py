"""The address of an account in the company's CRM, from a template."""

from __future__ import annotations

import re
from string import Formatter
from urllib.parse import quote

from features.errors import Problem

VARIABLE = "KEEPWELL_CRM_URL"
PLACES = frozenset({"external_id", "account_id"})
REMEDY = "write https://crm.example.com/accounts/{external_id}"


def find_problems(template: str) -> list[Problem]:
    """What is wrong with a template.

    Parameters
    ----------
    template : str
        An address by https with ``{external_id}`` or ``{account_id}`` where the id stands, in its
        path, query or fragment.
    """
    rule = None
    if not re.fullmatch(r"https://[\x21-\x7e]+", template):
        rule = "must be an address that begins with https:// and holds no blanks"
    elif not (found := _places(template)) or not found <= PLACES:
        rule = f"must hold {' or '.join(f'{{{one}}}' for one in sorted(PLACES))}, and no other"
    elif not re.match(r"https://[^/?#{}\\@]+[/?#]", template):
        rule = "must name its host in full"
    if rule is None:
        return []
    return [Problem("serve", "crm_url", rule, remedy=REMEDY)]


def link_crm(template: str | None, account_id: str, external_id: str | None) -> str | None:
    """Where the CRM shows an account; None without a template, or the id that it needs."""
    if template is None or ("external_id" in _places(template) and external_id is None):
        return None
    ids = {"account_id": account_id, "external_id": external_id or ""}
    return template.format(**{name: quote(value, safe="") for name, value in ids.items()})


def _places(template: str) -> set[str]:
    """What stands in braces; a conversion or a format makes it no place of ours."""
    try:
        parts = [*Formatter().parse(template)]
    except ValueError:
        return {""}
    return {
        name if not spec and not conversion else ""
        for _, name, spec, conversion in parts
        if name is not None
    }
