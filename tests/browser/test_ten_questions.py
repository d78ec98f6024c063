"""Ten questions of support and one more, each answered from the index in three clicks at most."""

import os
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec
from projects.credentials import credential_rotate
from projects.models import Credential, Organization
from sessions_app.models import SessionAttach
from tests.admin.session_rows import make_session
from tests.admin.staffing import ROLES, address, client_of
from tests.browser.accessibility import OTHER_SCREENS, SCREENS, Inspection
from tests.browser.conftest import member, staff_user
from tests.conftest import VALID_YAML, Machine, make_version
from tests.long_runs import at_length
from tests.webhooks.endpoint import make_delivery, make_endpoint

LogIn = Callable[..., Page]
MAX_CLICKS = 3
LONG = "Rehabilitationszentrum für Bewegung und Gesundheit am Stadtpark, Abteilung Physiotherapie"
DAY = timedelta(days=1)
# A folder for pictures of each answer, for whoever looks at them.
SHOTS = os.environ.get("DESK_SHOTS")


class Desk:
    """Somebody at the index, whose clicks are counted. What is typed is none; Enter is one."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def find(self, text: str, kind: str, found: str = "") -> None:
        """Type in the box, and choose what it shows by the keyboard."""
        self.page.keyboard.press("Control+k")
        self.page.keyboard.type(text)
        group = self.page.get_by_role("group", name=kind)
        option = group.get_by_role("option").filter(has_text=found).first
        expect(option).to_be_visible()
        for _ in range(40):
            if option.get_attribute("aria-selected") == "true":
                break
            self.page.keyboard.press("ArrowDown")
        self._go(lambda: self.page.keyboard.press("Enter"))

    def follow(self, name: str, within: str = "#content") -> None:
        link = self.page.locator(within).get_by_role("link", name=re.compile(name)).first
        link.focus()
        self._go(lambda: self.page.keyboard.press("Enter"))

    def _go(self, press: Callable[[], Any]) -> None:
        self.clicks += 1
        with self.page.expect_navigation():
            press()

    def sees(self, *texts: str) -> None:
        shown = " ".join(self.page.locator("#content").inner_text().split())
        for text in texts:
            assert text in shown, f"{text!r} is not in {shown!r}"


@pytest.fixture
def desk(
    transactional_db: None, owner: Machine, movespec: MoveSpec, outsider: Machine
) -> dict[str, Any]:
    """A week of a customer with a long name, and of one that was suspended."""
    Organization.objects.filter(pk=owner.organization.pk).update(name=LONG)
    grace = client_of(User.objects.create_superuser("grace"))
    now = timezone.now()
    yesterday = now - DAY
    unseen = make_session(
        movespec, subject="p_17", created_at=yesterday, started_at=yesterday,
        ended_at=yesterday + timedelta(minutes=5), accepted_frames_total=900,
        rejected_frames_total=12, created_by=owner.credential.pk,
        summary={"frames": 900, "usable": 90, "intervals": 899, "active_ms": 300_000.0,
                 "rejected": {"too_many_frames": 12}},
    )  # fmt: skip
    failed = make_session(
        movespec, "failed", terminal_outcome="abandoned", created_at=now, started_at=now,
        ended_at=now, created_by=owner.credential.pk,
    )  # fmt: skip
    live = make_session(movespec, "streaming", created_at=now, started_at=now)
    SessionAttach.objects.create(
        id="7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10", session_id=failed, runtime="vm:13186",
        client="kyna-ios/4.2", attached_at=now, detached_at=now, close_code=1006,
    )  # fmt: skip
    second = make_version(movespec.id, VALID_YAML.replace("angle_max: 100", "angle_max: 120"))
    reason = "The clinic wants shallower squats to count."
    released = {"reason": reason, "seen": movespec.releases.latest("id").pk}
    assert grace.post(address(second, "release"), released).status_code == 302
    old = owner.credential
    Credential.objects.filter(pk=old.pk).update(name="Bootstrap key")
    credential_rotate(credential=old, seen_expires_at=None, overlap=DAY, expires_at=None, now=now)
    Credential.objects.filter(pk=old.pk).update(last_used_at=now + timedelta(minutes=1))
    assert grace.post(
        address(outsider.organization, "suspend"), {"reason": "Unpaid since March."}
    ).status_code == 302  # fmt: skip
    make_delivery(
        make_endpoint(owner.project), type="session.completed", session_id=unseen, sequence=2,
        status="failed", tried_at=now, response_status=500, failure="Answered 500.",
    )  # fmt: skip
    return {"unseen": unseen, "failed": failed, "live": live, "owner": owner, "squat": movespec}


def why_was_my_user_not_counted_yesterday(at: Desk, desk: dict[str, Any]) -> None:
    at.find("p_17", "Detection sessions", "All")
    at.follow("^01|^[0-9a-f]{8}", "#result_list")
    at.sees(
        "Why nothing was counted Only 10% of the frames had a usable pose",
        "Frames rejected 12 too_many_frames: 12",
    )


def which_of_our_keys_is_old(at: Desk, desk: dict[str, Any]) -> None:
    at.find("Rehabilitationszentrum", "Organizations")
    at.follow("^API keys$", ".object-tools")
    at.sees("Bootstrap key", "replaced, still used")


def what_changed_in_squat_last_week(at: Desk, desk: dict[str, Any]) -> None:
    at.find("squat", "MoveSpecs", LONG)
    at.sees("released before")
    at.follow("^Compare$")
    at.sees("From version 1 to version 2", "60", "100", "120")


def who_suspended_us(at: Desk, desk: dict[str, Any]) -> None:
    at.find("Elsewhere", "Organizations")
    at.sees("is suspended since", "by grace: Unpaid since March.")


def who_released_this_and_why(at: Desk, desk: dict[str, Any]) -> None:
    at.find("squat", "MoveSpecs", LONG)
    at.follow("^Releases$", ".object-tools")
    at.sees("1 → 2 grace The clinic wants shallower squats to count.")


def what_did_this_person_do(at: Desk, desk: dict[str, Any]) -> None:
    at.find("p_17", "Detection sessions", "All")
    expect(at.page.locator("#result_list tbody tr")).to_have_count(1)


def which_of_our_sessions_failed_today(at: Desk, desk: dict[str, Any]) -> None:
    at.follow("Sessions that failed", ".glance")
    at.sees("client went silent")


def why_did_the_app_lose_its_connection(at: Desk, desk: dict[str, Any]) -> None:
    at.find(desk["failed"], "Detection sessions")
    at.sees("client went silent", "kyna-ios/4.2", "The connection broke.")


def did_you_send_us_the_webhook_of_this_session(at: Desk, desk: dict[str, Any]) -> None:
    at.find(desk["unseen"], "Detection sessions")
    at.follow("What was sent of it")
    at.sees("session.completed", "failed")


def how_many_sessions_run_squat_now(at: Desk, desk: dict[str, Any]) -> None:
    at.find("squat", "MoveSpecs", LONG)
    at.follow("^Sessions$", ".object-tools")
    rows = at.page.locator("#result_list tbody tr")
    expect(rows.filter(has_text="streaming")).to_have_count(1)


def which_sessions_did_this_key_make(at: Desk, desk: dict[str, Any]) -> None:
    at.find("Bootstrap key", "API keys")
    at.follow("^Sessions$", ".object-tools")
    expect(at.page.locator("#result_list tbody tr")).to_have_count(2)


QUESTIONS = (
    why_was_my_user_not_counted_yesterday,
    which_of_our_keys_is_old,
    what_changed_in_squat_last_week,
    who_suspended_us,
    who_released_this_and_why,
    what_did_this_person_do,
    which_of_our_sessions_failed_today,
    why_did_the_app_lose_its_connection,
    did_you_send_us_the_webhook_of_this_session,
    how_many_sessions_run_squat_now,
    which_sessions_did_this_key_make,
)
# Release managers may not see keys: nobody asks them.
OF_KEYS = (which_of_our_keys_is_old, which_sessions_did_this_key_make)
READ_ONLY = "read only"


@pytest.fixture
def person(role: str) -> str:
    if role == READ_ONLY:
        models = (
            "organization", "project", "movespec", "movespecversion", "release", "apikey",
            "detectionsession", "webhookendpoint", "webhookdelivery",
        )  # fmt: skip
        return staff_user("reader", *(f"view_{model}" for model in models)).username
    return member("ada", role).username


@at_length("role, screens", *product([*ROLES, READ_ONLY], [SCREENS, OTHER_SCREENS]))
def test_each_is_answered_from_the_index_in_three_clicks(
    log_in: LogIn, desk: dict[str, Any], person: str, role: str, screens: Any
) -> None:
    page = log_in(person, viewport={"width": 1280, "height": 900})
    inspection = Inspection(screens, in_turn=True)
    for ask in QUESTIONS:
        if role == "release managers" and ask in OF_KEYS:
            continue
        page.goto("/admin/")
        at = Desk(page)
        ask(at, desk)
        assert at.clicks <= MAX_CLICKS, ask.__name__
        inspection.check(page, ask.__name__)
        shoot(page, f"{ask.__name__}-{role}")
        page.set_viewport_size({"width": 1280, "height": 900})
    inspection.assert_no_problem()


def shoot(page: Page, name: str) -> None:
    if not SHOTS:
        return
    for screen in SCREENS + OTHER_SCREENS:
        screen.show(page)
        path = Path(SHOTS) / f"{name}-{screen.width}-{screen.color_scheme}.png"
        page.screenshot(path=path, full_page=True)
