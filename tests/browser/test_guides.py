"""The guides in a browser: read in any light and width, by keyboard, without another host."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from guides.navigation import GUIDES
from tests.browser.accessibility import Inspection, Screens, screens_in_turn

ADDRESSES = [
    *("/", "/docs/", "/docs/no-such", "/docs/search?q=key", "/docs/search?q=zzzz"),
    *(guide.address for guide in GUIDES.values()),
]


@screens_in_turn(one_in=7)
def test_every_page_is_accessible_fits_and_shows_its_pictures(
    visit: Callable[..., Page], screens: Screens, one_in: int
) -> None:
    inspection = Inspection(screens, in_turn=one_in > 1)
    page = visit()
    asked: set[str] = set()
    said: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
    for address in ADDRESSES[::one_in]:
        page.goto(address)
        # The one that Chromium says of a page that is not there.
        assert len(said) == (address == "/docs/no-such"), said
        said.clear()
        assert_every_picture_is_shown(page)
        inspection.check(page, address)
        # What axe-core tries is not the page's.
        said.clear()
    inspection.assert_no_problem()
    assert asked == {urlsplit(page.url).netloc}


def assert_every_picture_is_shown(page: Page) -> None:
    for picture in page.locator("main img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("picture => picture.naturalWidth") > 0
        shown = picture.bounding_box()
        assert shown is not None
        ratio = picture.evaluate("picture => picture.naturalWidth / picture.naturalHeight")
        assert shown["width"] / shown["height"] == pytest.approx(ratio, rel=0.02)


def test_from_the_first_page_to_a_rule_and_the_reference_by_keyboard(
    visit: Callable[..., Page], site: str
) -> None:
    page = visit(viewport={"width": 1440, "height": 900})
    page.goto("/")
    follow(page, "Start building")
    expect(page).to_have_url(f"{site}/docs/start")
    follow(page, "Movements")
    expect(page).to_have_url(f"{site}/docs/movespec")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the text")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the text")).to_be_in_viewport()
    follow(page, "How a phase is judged")
    expect(page).to_have_url(f"{site}/docs/movespec/own-range")
    expect(page.get_by_role("heading", name="How a phase is judged")).to_be_in_viewport()
    page.goto("/docs/movespec")
    follow(page, "API reference")
    expect(page).to_have_url(f"{site}/api/docs")


def follow(page: Page, name: str) -> None:
    """Tab to the link of this name, and press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{page.url}: no Tab leads to {name!r}")


def test_what_is_wider_than_the_page_scrolls_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 400, "height": 900})
    page.goto("/docs/movespec/where-to-film")
    for box in (page.locator("pre").first, page.locator(".scrolls", has_text="half a squat")):
        box.focus()
        assert box.evaluate("box => box.scrollWidth > box.clientWidth && box.scrollLeft == 0")
        page.keyboard.press("ArrowRight")
        expect(box).not_to_have_js_property("scrollLeft", 0)


def test_a_phone_unfolds_what_is_on_the_page(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 400, "height": 900})
    page.goto("/docs/movespec/where-to-film")
    folded = page.locator("details.folded")
    expect(folded.get_by_role("link", name="From which view")).to_be_hidden()
    folded.locator("summary").press("Enter")
    folded.get_by_role("link", name="From which view").click()
    expect(page.get_by_role("heading", name="From which view")).to_be_in_viewport()
