"""A page of the service around what a route shows."""

from __future__ import annotations

from fastapi import Request

from serving.page_template import render


def render_framed(request: Request, template: str, **values: object) -> str:
    """A page as HTML, for whoever sends a request.

    Parameters
    ----------
    request : Request
        From which the frame is told.
    template : str
        Its file's name.
    **values : object
        What it shows.
    """
    del request
    return render(template, **values)
