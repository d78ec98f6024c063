"""Sessions as staff find, read and download them: in a browser, at two widths, by keyboard."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.admin.staffing import address
from tests.browser.accessibility import Screens, assert_accessible_and_fits, each_screen
from tests.browser.conftest import member
from tests.browser.test_admin_is_accessible import detect
from tests.conftest import Machine, make_released

LIST = address(DetectionSession, "changelist")


@pytest.fixture
def session(site: str, owner: Machine, movespec: MoveSpec, outsider: Machine) -> DetectionSession:
    """One that has counted a squat; beside it another customer's."""
    outsider.create_session(make_released(outsider.project)[0])
    made = DetectionSession.objects.get(id=owner.create_session(movespec).json()["session_id"])
    detect(made.id)
    return made


@pytest.mark.long
@each_screen
def test_staff_narrow_to_a_customer_and_download_what_they_see(
    log_in: Callable[..., Page],
    session: DetectionSession,
    tmp_path: Path,
    screens: Screens,
) -> None:
    page = log_in(member("sam", "support").username)
    screens[-1].show(page)
    page.goto(LIST)
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    page.locator("#searchbar").fill("Acme")
    with page.expect_navigation():
        page.locator("#searchbar").press("Enter")
    assert_accessible_and_fits(page, screens)
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.locator("summary", has_text="Status").press("Enter")
    page.get_by_role("link", name="Live, any").press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    with page.expect_download() as started:
        page.get_by_role("link", name="Download as CSV").press("Enter")
    saved = tmp_path / "sessions.csv"
    started.value.save_as(saved)
    assert started.value.suggested_filename.startswith("detection-sessions-")
    header, line = csv.reader(saved.read_text().splitlines())
    assert header[0] == "id"
    assert line[:4] == [str(session.id), "Acme / owner", "Squat, version 1", "streaming"]
