"""What a script adds to the public pages, and that each is whole without it"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.documented import block

PHONE = {"width": 400, "height": 900}


# Without a script


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


# With one


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
