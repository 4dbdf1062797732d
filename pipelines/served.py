"""Whose ranking a home serves: another company does not replace it unasked."""

from __future__ import annotations

import os

from features.errors import InputError, Problem
from models.store import SnapshotStore
from pipelines.home import Home

MADE_UP = "demo"  # the company of configs/demo.yaml: its ranking is there to be replaced


def check_served(home: Home, company: str, *, replace: bool = False) -> None:
    """Refuse to publish over another company's ranking; to be called before the work.

    Parameters
    ----------
    home : Home
        Its store serves one ranking, see ADR 4.
    company : str
        Whose ranking is to be published.
    replace : bool
        Whether the user asked for it.

    Raises
    ------
    InputError
        Naming the company served, where, and the ways out.
    """
    with SnapshotStore(home.store_url) as store:
        served = store.served_company()
    if replace or served in (None, company, MADE_UP):
        return
    # A store of its own outweighs the home: another home would serve the same.
    variable = "KEEPWELL_STORE" if os.environ.get("KEEPWELL_STORE") else "KEEPWELL_HOME"
    where = "the store" if variable == "KEEPWELL_STORE" else str(home.folder)
    rule = f"{where} serves the company {served}, whose ranking {company} would replace"
    remedy = (
        f"set {variable} to another one for {company}; or give --replace to serve {company} from "
        "now on; or, where both are one company, name it alike (--company, or company in the YAML)"
    )
    raise InputError([Problem(variable, "", rule, remedy=remedy)])
