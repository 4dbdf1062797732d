"""What a customer-success leader does on Monday, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, StorageState

from serving.route_portfolio import FILE_PATH
from tests.browser.conftest import SCRIPT
from tests.browser.reader import Reader, Site, read
from tests.integration.test_page_access import ACCOUNT, PAGES

OPENED = {
    "/": ("/", "/?group_by=owner", "/?lang=zh"),
    ACCOUNT: ("/accounts/A1", "/accounts/A4"),
    "/modules": ("/modules",),
    "/model": ("/model",),
}
# What axe calls WCAG 2.2 AA; without being asked it leaves out the size of targets.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
PATHS = tuple(path for paths in OPENED.values() for path in paths)


def test_every_page_that_the_service_has_is_opened_here() -> None:
    pages = {one.route for one in PAGES if one.fields is None and one.route != FILE_PATH}
    assert set(OPENED) == pages


def test_a_leader_signs_in_filters_sorts_searches_and_takes_the_file(
    chromium: Browser, site: Site
) -> None:
    with read(chromium, site) as reader:
        page = reader.page
        reader.sign_in()
        assert page.locator("h1").inner_text().startswith("Portfolio")
        page.get_by_label("Segment").select_option("smb")
        page.get_by_role("button", name="Apply").click()
        assert "segment=smb" in page.url
        assert "Brandt KG" in page.content()
        assert "Acme" not in page.locator("main table").last.inner_text()
        for sort, order in (("name", "ascending"), ("-name", "descending")):
            reader.open(f"/?sort={sort}")
            names = (
                page.locator("main table").last.locator('a[href^="/accounts/"]').all_inner_texts()
            )
            *named, nameless = names
            assert named == sorted(named, reverse=order == "descending")
            assert (len(named), nameless) == (3, "A4")  # what has no name comes last either way
            assert page.locator("[aria-sort]").get_attribute("aria-sort") == order
        page.locator("input[type=search]").fill("ito")
        page.get_by_role("button", name="Search").click()
        assert "Ito Foods" in page.content()
        reader.open("/")
        with page.expect_download() as waiting:
            page.get_by_role("link", name="CSV").click()
        assert Path(waiting.value.path()).read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_leader_opens_an_account_and_leaves_feedback(
    chromium: Browser, site: Site, session: StorageState
) -> None:
    with read(chromium, site, session=session) as reader:
        page = reader.page
        reader.open("/")
        page.locator('a[href="/accounts/A1"]').last.click()
        page.wait_for_url("**/accounts/A1*")
        assert page.title() != "taken"
        assert SCRIPT in page.locator("h1").inner_text()
        form = page.locator('form[action$="/feedback"]')
        form.locator('input[name=disposition][value="agree"]').check()
        form.locator("button[type=submit]").click()
        page.wait_for_load_state()
        assert page.locator(".notice.done").count() == 1


def test_the_language_is_switched_and_kept(
    chromium: Browser, site: Site, session: StorageState
) -> None:
    with read(chromium, site, session=session) as reader:
        reader.open("/")
        reader.page.get_by_role("link", name="中文").click()
        assert reader.page.locator("html").get_attribute("lang") == "zh-Hans"
        reader.open("/model")
        assert reader.page.locator("html").get_attribute("lang") == "zh-Hans"


def test_pages_are_printed_to_pdf(chromium: Browser, site: Site, session: StorageState) -> None:
    with read(chromium, site, session=session) as reader:
        reader.open("/")
        for path in ("/", "/accounts/A1"):
            reader.open(path)
            assert reader.page.pdf().startswith(b"%PDF")


def test_signing_out_closes_the_pages(chromium: Browser, site: Site) -> None:
    with read(chromium, site) as reader:
        reader.sign_in()
        reader.page.get_by_role("button", name="Sign out").click()
        reader.page.goto(site.base + "/")
        assert "/sign-in" in reader.page.url


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(
    chromium: Browser,
    site: Site,
    session: StorageState,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    with read(chromium, site, width=width, scheme=scheme) as reader:
        reader.open("/sign-in")
        assert judge(reader) == []
    with read(chromium, site, width=width, scheme=scheme, session=session) as reader:
        for path in PATHS:
            reader.open(path)
            assert judge(reader) == []


def test_links_of_lists_are_large_enough_for_a_thumb(
    chromium: Browser, site: Site, session: StorageState
) -> None:
    with read(chromium, site, session=session) as reader:
        reader.open("/")
        links = reader.page.locator(".split a, .lines a, .who a, .notice a").all()
        assert len(links) >= 6
        for link in links:
            box = link.bounding_box()
            assert box is not None
            assert box["height"] >= 24, link.inner_text()


def test_no_focus_is_hidden_below_the_head_of_the_ranking(
    chromium: Browser, site: Site, session: StorageState
) -> None:
    with read(chromium, site, session=session) as reader:
        reader.page.set_viewport_size({"width": 1280, "height": 300})
        reader.open("/")
        links = reader.page.locator(".ranking tbody a")
        links.last.focus()
        head = reader.page.locator(".ranking thead th").first.bounding_box()
        assert head is not None
        for place in reversed(range(links.count() - 1)):
            reader.page.keyboard.press("Shift+Tab")
            box = links.nth(place).bounding_box()
            assert box is not None
            assert box["y"] >= head["height"]


def judge(reader: Reader) -> list[tuple[str, str, list[str]]]:
    """What axe finds serious or critical on the page that is open."""
    reader.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = Axe().run(reader.page, options={"runOnly": [*RULES]}).response["violations"]
    return [
        (reader.page.url, one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


# The first is that of 400 % zoom; the others lie on both sides of where the ranking becomes cards.
@pytest.mark.parametrize("width", [320, 700, 1000, 1060, 1100, 1250, 1280])
def test_no_page_scrolls_sideways_at_any_width(
    chromium: Browser, site: Site, session: StorageState, width: int
) -> None:
    with read(chromium, site, width=width, session=session) as reader:
        for path in (*PATHS, "/accounts/A3"):
            reader.open(path)
            wide = reader.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, path


def test_on_paper_the_ranking_is_a_table_and_forms_are_left_out(
    chromium: Browser, site: Site, session: StorageState
) -> None:
    with read(chromium, site, width=700, session=session) as reader:  # about a sheet's width
        reader.open("/")
        shown = "element => getComputedStyle(element).display"
        row = reader.page.locator(".ranking tbody tr").first
        assert row.evaluate(shown) == "grid"  # a card
        reader.page.emulate_media(media="print")
        assert row.evaluate(shown) == "table-row"
        for left_out in (".filter", ".search", ".tools", ".pages"):
            for found in reader.page.locator(left_out).all():
                assert not found.is_visible(), left_out


def test_signing_in_fits_a_narrow_screen(chromium: Browser, site: Site) -> None:
    with read(chromium, site, width=320) as reader:
        reader.open("/sign-in")
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 320
