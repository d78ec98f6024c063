"""The API's reference in a browser: in any light and width, by keyboard, and without a script."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from kynaplatform.reference.pages import pages
from tests.browser.accessibility import Inspection, Screens, screens_in_turn

ADDRESSES = ["/api/docs", *(f"/api/docs/{name}" for name in pages())]


@screens_in_turn(one_in=9)
def test_every_page_is_accessible_and_fits(
    visit: Callable[..., Page], screens: Screens, one_in: int
) -> None:
    inspection = Inspection(screens, in_turn=one_in > 1)
    page = visit()
    for address in ADDRESSES[::one_in]:
        page.goto(address)
        for folded in page.locator("main details").all():
            folded.evaluate("folded => { folded.open = true }")
        inspection.check(page, address)
    inspection.assert_no_problem()


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
