"""A page as a browser with a strict policy reads it."""

from __future__ import annotations

import itertools
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "wbr"})
# Of SVG; in HTML they close themselves with a slash.
SELF_CLOSED = frozenset({"rect", "line", "circle", "polyline", "polygon", "path"})


class Page(HTMLParser):
    """Elements in order with their attributes and texts; unclosed ones are a fault.

    Parameters
    ----------
    text : str
        The whole document.

    Attributes
    ----------
    elements : list of (str, dict)
        Name and attributes.
    words : str
        All text, white space folded.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, self._open
        self.words = " ".join("".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element of SVG that is closed at once."""
        assert tag in SELF_CLOSED, tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self._texts.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of some names."""
        return [attributes for name, attributes in self.elements if name in names]

    def links(self) -> list[str]:
        """Where the page leads to."""
        return [one["href"] or "" for one in self.all("a") if "href" in one]


def check_policy(page: Page) -> None:
    """What the policy of the pages would block is not there, nor anything of another host."""
    for name, attributes in page.elements:
        assert name not in ("script", "style", "iframe", "object", "embed", "base")
        for attribute, value in attributes.items():
            assert attribute != "style", (name, attributes)
            assert not attribute.startswith("on"), (name, attributes)
            if attribute in ("href", "src", "action", "formaction", "poster"):
                assert value is not None
                assert value.startswith(("/", "#")), (name, value)
                assert not value.startswith("//"), (name, value)


def check_manners(page: Page) -> None:
    """Landmarks, one main heading, headings in order, labels, captions, unique ids."""
    names = [name for name, _ in page.elements]
    assert [names.count(one) for one in ("main", "header", "footer", "h1")] == [1, 1, 1, 1]
    levels = [int(name[1]) for name in names if name in ("h1", "h2", "h3", "h4")]
    assert all(later - before <= 1 for before, later in itertools.pairwise(levels))
    ids = [one["id"] for _, one in page.elements if "id" in one]
    assert len(ids) == len(set(ids))
    labelled = {one.get("for") for one in page.all("label")}
    for field in page.all("input", "select", "textarea"):
        assert field.get("type") == "hidden" or field.get("id") in labelled, field
    assert names.count("caption") == names.count("table")
    assert all("scope" in one for one in page.all("th"))
    assert sum("aria-sort" in one for _, one in page.elements) <= 1
    referred = {
        name
        for _, one in page.elements
        for key in ("aria-labelledby", "aria-describedby")
        for name in (one.get(key) or "").split()
    }
    assert referred <= set(ids)
