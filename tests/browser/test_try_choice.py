"""The page at /try before it counts: the choice, its figure, and a start that is stopped."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from sessions_app.models import DetectionSession
from tests.browser.trying import (
    drawn,
    expect_summary,
    module_runtime,
    page,
    runtime,
    site,
    start,
    web_environment,
)

__all__ = ["module_runtime", "page", "runtime", "site", "web_environment"]

pytestmark = pytest.mark.django_db(transaction=True)

FIGURES = "**/try/figures/*"
SESSIONS = "**/try/sessions"


@pytest.fixture
def held(page: Page) -> Callable[[str], list[Route]]:
    """Leaves requests for these addresses without an answer."""

    def hold(addresses: str) -> list[Route]:
        asked: list[Route] = []
        page.route(addresses, lambda route: asked.append(route))
        return asked

    return hold


def expect_choice(page: Page) -> None:
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    expect(page.get_by_role("alert")).to_be_hidden()


def expect_figure(page: Page) -> None:
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator("#figure-note")).to_be_hidden()
    assert drawn(page, "figure") > 500


def test_stop_does_not_wait_for_the_servers_answer(
    page: Page, held: Callable[[str], list[Route]]
) -> None:
    asked = held(SESSIONS)
    with page.expect_request_finished(lambda request: "/figures/" in request.url):
        start(page)
    expect(page.locator("#state")).to_have_text("Starting …")
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/sessions")):
        page.get_by_role("button", name="Stop").click()
    expect_choice(page)
    assert len(asked) == 1
    assert DetectionSession.objects.count() == 0
    page.unroute(SESSIONS)
    start(page)
    expect_summary(page, "Squat: 6 repetitions")


def test_a_figure_that_is_not_there_is_told(page: Page) -> None:
    expect_figure(page)
    page.route(FIGURES, lambda route: route.abort())
    page.get_by_role("radio", name="Lunge", exact=True).check()
    expect(page.locator("#figure-note")).to_have_text("The figure can't be loaded.")
    expect(page.get_by_role("button", name="Pause")).to_be_hidden()
    assert drawn(page, "figure") == 0
    page.unroute(FIGURES)
    page.get_by_role("radio", name="Squat").check()
    expect_figure(page)


def test_a_browser_that_cannot_unpack_says_so(page: Page) -> None:
    page.add_init_script("delete window.DecompressionStream")
    page.reload()
    text = "This browser can't unpack a recording, such as the figure's."
    expect(page.locator("#figure-note")).to_have_text(text)
    start(page)
    expect(page.get_by_role("alert")).to_have_text(
        f"{text} Take the camera, or open the page in a newer browser."
    )
    assert DetectionSession.objects.count() == 0
