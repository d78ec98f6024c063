"""The page at /try before it counts: the choice, its figure, and visitors who are refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from detection import compile  # noqa: A004 - as detection calls it
from dev.poses.figure import MOVEMENTS
from movespecs.catalogue import catalogue_id, catalogue_text
from movespecs.models import MoveSpec
from projects.access_tokens import access_token_mint
from projects.models import Credential, Project
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession, EventType
from sessions_app.summary import counted_of
from tests.browser.trying import (
    FIGURE,
    RUN_MS,
    Runtime,
    drawn,
    expect_summary,
    notices,
    rows,
    start,
)
from tryout.movements import movements
from tryout.project import ACCOUNT_ID, PROJECT_ID, demo_account

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


def test_start_is_on_the_first_screen_and_the_rest_is_folded(visit: Callable[..., Page]) -> None:
    page = visit(viewport={"width": 1280, "height": 800})
    page.goto("/try")
    box = page.get_by_role("button", name="Start").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 800
    shown = [one["name"] for one in movements() if not one["experimental"]]
    assert page.locator(".chip:visible").all_inner_texts() == shown
    page.get_by_text(f"All {len(movements())} movements").click()
    assert page.locator(".chip:visible").count() == len(movements())
    expect(page.get_by_label("Target")).to_be_hidden()
    page.get_by_text("Options").click()
    expect(page.get_by_label("Target")).to_be_visible()
    expect(page.locator("#parameters .quiet").first).to_have_text(re.compile(r"^\d+ to \d+°$"))
    # A link to a movement among the others shows them.
    page.goto("/try?movement=plank")
    expect(page.get_by_role("radio", name="Plank", exact=True)).to_be_visible()


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


CLOSED = "The page is closed for now. Try again another day."
OTHER_MOVEMENT = "This movement can't be tried any more. Choose another movement."


def suspend_project() -> None:
    Project.objects.filter(id=PROJECT_ID).update(suspended_at=timezone.now())


def revoke_account() -> None:
    Credential.objects.filter(id=ACCOUNT_ID).update(revoked_at=timezone.now())


def archive_squat() -> None:
    MoveSpec.objects.filter(id=catalogue_id("squat")).update(archived_at=timezone.now())


@pytest.mark.parametrize(
    ("refuse", "text"),
    [
        pytest.param(suspend_project, CLOSED, marks=pytest.mark.long),
        pytest.param(revoke_account, CLOSED, marks=pytest.mark.long),
        (archive_squat, OTHER_MOVEMENT),
    ],
)
def test_who_is_refused_is_told_what_to_do(
    page: Page, refuse: Callable[[], None], text: str
) -> None:
    demo_account(now=timezone.now())
    refuse()
    start(page)
    expect(page.get_by_role("alert")).to_have_text(text)
    expect(page.get_by_role("alert")).to_be_focused()
    assert DetectionSession.objects.count() == 0


def with_expired_token(route: Route) -> None:
    answer = route.fetch()
    try:
        account = Credential.objects.get(id=ACCOUNT_ID)
        long_ago = timezone.now() - timedelta(hours=1)
        _, expired = access_token_mint(
            credential=account, scopes=account.scopes, now=long_ago, seconds=60
        )
    finally:
        # Playwright calls this in a greenlet of its own, which has its own connection.
        connection.close()
    route.fulfill(response=answer, json={**answer.json(), "access_token": expired})


@pytest.mark.long
def test_an_end_that_was_missed_and_can_not_be_read_any_more_is_told(
    page: Page, runtime: Runtime
) -> None:
    """As in a session that has lasted longer than its token."""
    page.route("**/try/sessions", with_expired_token)
    page.goto("/try?speed=2")
    start(page)
    expect(page.locator("#count")).to_have_text(re.compile("[2-5]"), timeout=RUN_MS)
    runtime.kill()
    expect(page.locator("#state")).to_have_text(
        "The server that counts doesn't answer. Trying again …"
    )
    seen = int(page.locator("#count").inner_text())
    session = DetectionSession.objects.get()
    session_cancel(session_id=session.id, project_id=session.project_id, now=timezone.now())
    runtime.start()
    expect_summary(page, f"Squat: {seen} repetitions")
    assert notices(page) == [
        "The server ended the session. Begin another one.",
        "What was counted after the line was lost is missing. The page could not read it any more.",
    ]
    assert session.events.filter(type=EventType.EVENT_COMPLETED).count() >= seen


IN_THE_GATE = ("plank", "alternating-lunges")


@pytest.mark.parametrize(
    "movement",
    [
        pytest.param(
            one, id=one["slug"], marks=() if one["slug"] in IN_THE_GATE else pytest.mark.long
        )
        for one in movements()
    ],
)
def test_the_figure_is_counted_in_each_movement(page: Page, movement: dict[str, Any]) -> None:
    slug, figure = movement["slug"], MOVEMENTS[movement["slug"]]
    page.goto(f"/try?movement={slug}&speed=20")
    assert page.locator("#place").inner_text().startswith(figure.stance)
    page.get_by_role("radio", name=FIGURE).check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#count")).to_have_text(re.compile("[1-9]"), timeout=RUN_MS)
    heading = page.locator("#summary-heading")
    expect(heading).to_be_focused(timeout=RUN_MS)
    session = DetectionSession.objects.get()
    assert session.repetitions == {movement["event_key"]: figure.repetitions}
    if movement["hold_ms"] is None:
        expect(heading).to_have_text(f"{movement['name']}: {figure.repetitions} repetitions")
    else:
        longest_ms = counted_of(session.summary)[movement["event_key"]].longest_ms
        assert movement["hold_ms"] <= longest_ms < movement["hold_ms"] + 3_000
        expect(heading).to_have_text(f"{movement['name']}: {int(longest_ms / 1000)} seconds")
    shown = rows(page, "rows")
    has_sides = compile(catalogue_text(slug)).counts_each_side
    sides = ["left", "right"] * 3 if has_sides else [""] * len(shown)
    assert [cells[0] for cells in shown] == [
        f"{number} {side}".strip() for number, side in enumerate(sides, 1)
    ]
    assert notices(page) == []
