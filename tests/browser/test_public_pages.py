"""The guides and the API's reference in a browser: in any light and width, by keyboard."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from guides.navigation import GUIDES
from kynaplatform.reference.pages import pages
from tests.browser.accessibility import Inspection, Screens, assert_accessible, screens_in_turn
from tests.documented import block

ADDRESSES = [
    *("/", "/docs/", "/docs/no-such", "/docs/search?q=key", "/docs/search?q=zzzz"),
    *(guide.address for guide in GUIDES.values()),
    *("/api/docs", *(f"/api/docs/{name}" for name in pages())),
]


@screens_in_turn(one_in=12)
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
        for folded in page.locator("main details").all():
            folded.evaluate("folded => { folded.open = true }")
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


PHONE = {"width": 400, "height": 900}


def test_a_guide_is_searched_for_and_found_without_a_script(
    visit: Callable[..., Page], site: str
) -> None:
    page = visit(java_script_enabled=False)
    page.goto("/docs/streaming")
    page.locator(".top").get_by_label("Search the guides").fill("where does a new scope go")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}/docs/search?q=where+does+a+new+scope+go")
    page.locator(".results a").first.click()
    expect(page).to_have_url(f"{site}/docs/contributing#a-new-scope")


def test_code_is_copied_as_it_stands(visit: Callable[..., Page]) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/docs/start")
    code = page.locator(".code").filter(has_text="def listen")
    code.get_by_role("button", name="Copy").click()
    expect(code.get_by_role("button")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == block("docs/start.md", "def listen").text


def test_results_come_while_one_types_and_keys_go_through_them(
    visit: Callable[..., Page], site: str
) -> None:
    page = visit()
    page.goto("/docs/api")
    field = page.locator(".top").get_by_label("Search the guides")
    field.press_sequentially("phase judged")
    expect(page.locator(".answers strong").first).to_have_text("How a phase is judged")
    expect(page.get_by_role("status")).to_contain_text(" found")
    assert_accessible(page)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".answers a").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".answers")).to_be_hidden()
    expect(field).to_be_focused()
    field.fill("phase judged")
    expect(page.locator(".answers a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site}/docs/movespec/own-range")


def test_the_menu_of_a_phone_is_closed_by_escape(visit: Callable[..., Page]) -> None:
    page = visit(viewport=PHONE)
    page.goto("/docs/streaming")
    menu = page.get_by_role("navigation", name="Menu")
    page.locator(".menu summary").press("Enter")
    expect(menu.get_by_role("link", name="The API", exact=True)).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator(".menu summary")).to_be_focused()


def knee_of(page: Page) -> str:
    points = page.locator(".near.leg").get_attribute("points")
    assert points is not None
    return points


def test_the_figure_squats_and_is_counted_until_it_is_paused(visit: Callable[..., Page]) -> None:
    page = visit()
    page.goto("/")
    expect(page.locator("#count")).to_have_text("1")
    expect(page.locator("#events")).to_contain_text("event_completed squat")
    page.get_by_role("button", name="Pause").click()
    still = knee_of(page)
    page.wait_for_timeout(500)
    assert knee_of(page) == still
    page.get_by_role("button", name="Play").click()
    expect(page.locator(".near.leg")).not_to_have_attribute("points", still)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_figure_is_still_for_those_who_want_no_motion(
    visit: Callable[..., Page], scheme: str
) -> None:
    page = visit(reduced_motion="reduce", color_scheme=scheme)
    page.goto("/")
    play = page.get_by_role("button", name="Play")
    expect(play).to_be_visible()
    still = knee_of(page)
    page.wait_for_timeout(500)
    assert knee_of(page) == still
    expect(page.locator("#count")).to_have_text("2")
    play.click()
    expect(page.locator("#count")).to_have_text("0")
    expect(page.locator(".near.leg")).not_to_have_attribute("points", still)


def test_a_language_is_chosen_without_a_script(visit: Callable[..., Page]) -> None:
    page = visit(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page.goto("/api/docs/session_create")
    expect(page.get_by_text("curl -sS")).to_be_visible()
    expect(page.get_by_text("import httpx")).to_be_hidden()
    page.get_by_text("Python", exact=True).click()
    expect(page.get_by_text("import httpx")).to_be_visible()
    expect(page.get_by_text("curl -sS")).to_be_hidden()


def test_a_phone_unfolds_the_operations(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 400, "height": 900})
    page.goto("/api/docs/session_create")
    menu = page.locator("details.operations-folded")
    expect(menu.get_by_role("link", name="Fork a MoveSpec")).to_be_hidden()
    menu.locator("summary").press("Enter")
    menu.get_by_role("link", name="Fork a MoveSpec").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fork a MoveSpec")
