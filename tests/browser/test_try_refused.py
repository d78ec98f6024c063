"""Visitors whom the page can't serve, or not to the end: each is told what to do."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from movespecs.models import MoveSpec
from projects.access_tokens import access_token_mint
from projects.models import Credential, Project
from sessions_app.lifecycle import session_cancel
from sessions_app.models import DetectionSession, EventType
from tests.browser.trying import (
    RUN_MS,
    Runtime,
    expect_summary,
    module_runtime,
    notices,
    page,
    runtime,
    site,
    start,
    web_environment,
)
from tryout.project import ACCOUNT_ID, PROJECT_ID, demo_account, movespec_id

__all__ = ["module_runtime", "page", "runtime", "site", "web_environment"]

pytestmark = pytest.mark.django_db(transaction=True)

CLOSED = "The page is closed for now. Try again another day."
OTHER_MOVEMENT = "This movement can't be tried any more. Choose another movement."


def suspend_project() -> None:
    Project.objects.filter(id=PROJECT_ID).update(suspended_at=timezone.now())


def revoke_account() -> None:
    Credential.objects.filter(id=ACCOUNT_ID).update(revoked_at=timezone.now())


def archive_squat() -> None:
    MoveSpec.objects.filter(id=movespec_id("squat")).update(archived_at=timezone.now())


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
