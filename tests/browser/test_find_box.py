"""The box in the header: found by typing, chosen by keyboard, on a wide and on a narrow screen."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Request, expect

from projects.credentials import credential_issue
from projects.models import CredentialKind, Organization, Project
from tests.admin.staffing import ROLES, address
from tests.browser.accessibility import Inspection, Screens, each_screen
from tests.browser.conftest import member
from tests.conftest import Machine, make_released
from tests.long_runs import at_length

each_width = at_length("width", 400, 1280)


@pytest.fixture
def customers(transactional_db: None) -> list[Project]:
    """Three projects called iOS app, of three customers, each with keys and MoveSpecs."""
    projects = []
    for name in ("Acme Fitness", "Borealis Health", "Cedar Physio"):
        organization = Organization.objects.create(name=name)
        project = Project.objects.create(organization=organization, name="iOS app")
        for number in range(3):
            credential_issue(project=project, kind=CredentialKind.API_KEY, name=f"ci {number}")
            make_released(project, name=f"Squat {number}")
        projects.append(project)
    return projects


def box(page: Page) -> Page:
    return page.get_by_role("combobox", name="Find a customer, key, MoveSpec or session")


def chosen(page: Page) -> str | None:
    """What a screen reader is told is chosen."""
    return page.evaluate(
        "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
        "?.querySelector('.name')?.textContent ?? null"
    )


@pytest.mark.long
@each_width
@at_length("role", *ROLES)
def test_the_right_one_of_three_projects_is_found_by_keyboard_alone(
    log_in: Callable[..., Page], customers: list[Project], role: str, width: int
) -> None:
    member("sam", role)
    page = log_in("sam", viewport={"width": width, "height": 900})
    page.keyboard.press("Control+k")
    expect(box(page)).to_be_focused()
    page.keyboard.type("ios bor")
    options = page.get_by_role("option")
    project = "Borealis Health / iOS app"
    expect(options.first).to_contain_text(project)
    # Of its keys and MoveSpecs those come with it that the role may view, and a link to sessions.
    assert options.count() == (5 if role == "release managers" else 8)
    expect(page.locator("#find [role=status]")).to_have_text(f"{options.count() - 1} found")
    assert (chosen(page), box(page).get_attribute("aria-expanded")) == (None, "true")
    page.keyboard.press("ArrowDown")
    assert chosen(page) == project
    page.keyboard.press("ArrowDown")
    assert chosen(page) != project
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address(customers[1])}")
    expect(page.get_by_role("heading", name=project)).to_be_visible()


def test_arrows_go_round_and_escape_closes_and_leaves_the_text(
    log_in: Callable[..., Page], customers: list[Project]
) -> None:
    member("sam", "support")
    page = log_in("sam")
    box(page).fill("acme")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowUp")
    sessions = page.get_by_role("option", name="All Detection sessions that are found …")
    expect(sessions).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    assert chosen(page) == "Acme Fitness / iOS app / Squat 0"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert chosen(page) is None
    expect(sessions).not_to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "Acme Fitness"
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box(page)).to_have_value("acme")
    assert box(page).get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("option")).to_have_count(0)


def test_a_secret_leaves_the_browser_neither_as_it_is_typed_nor_by_enter(
    log_in: Callable[..., Page], owner: Machine
) -> None:
    member("sam", "support")
    for has_script in (True, False):
        page = log_in("sam", java_script_enabled=has_script)
        sent: list[Request] = []
        page.on("request", lambda request, sent=sent: sent.append(request))
        for secret in (owner.secret, owner.token):
            page.locator("#find-text").fill(secret)
            page.locator("#find-text").press("Enter")
            assert page.locator("#find-text:invalid").count() == 1
        page.locator("#find-text").fill("owner")
        page.locator("#find-text").press("Enter")
        page.wait_for_url("**/admin/find/?q=owner")
        assert [one.url for one in sent if owner.secret[:12] in one.url] == []
        assert [one.url for one in sent if owner.token[:12] in one.url] == []


@pytest.mark.long
def test_an_answer_to_an_earlier_text_is_not_shown(
    log_in: Callable[..., Page], customers: list[Project]
) -> None:
    member("sam", "support")
    page = log_in("sam")
    held = []
    page.route("**/find/typed/?q=acme", lambda route: held.append(route))
    with page.expect_request("**/find/typed/?q=acme"):
        box(page).fill("acme")
    box(page).fill("cedar")
    expect(page.get_by_role("option").first).to_contain_text("Cedar Physio")
    (late,) = held
    late.fulfill(body="<p>stale</p>", content_type="text/html")
    with page.expect_response("**/find/typed/?q=cedar+physio"):
        box(page).fill("cedar physio")
    expect(page.get_by_role("option").first).to_contain_text("Cedar Physio")
    expect(page.get_by_text("stale")).to_have_count(0)


@pytest.mark.long
def test_who_is_logged_out_meanwhile_is_led_to_the_login_and_back(
    log_in: Callable[..., Page], customers: list[Project]
) -> None:
    member("sam", "support")
    page = log_in("sam")
    page.context.clear_cookies()
    with page.expect_request("**/find/typed/?q=acme"):
        box(page).fill("acme")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/login/?next=/admin/find/%3Fq%3Dacme")
    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.long
@each_screen
def test_the_box_and_its_page_are_accessible_and_fit(
    log_in: Callable[..., Page], customers: list[Project], screens: Screens
) -> None:
    member("sam", "operators")
    inspection = Inspection(screens)
    page = log_in("sam")
    box(page).fill("app")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    for screen in screens:
        screen.show(page)
        assert page.locator("#find").bounding_box()["x"] >= 0
    inspection.check(page, "box, with what it found")
    box(page).fill("nothing like it")
    expect(page.locator("#find .found")).to_contain_text("Nothing found")
    inspection.check(page, "box, nothing found")
    for text in ("app", "nothing like it", ""):
        page.goto(f"{reverse('admin:find')}?q={text}")
        inspection.check(page, f"page for “{text}”")
    inspection.assert_no_problem()
