"""Three customers have a project called "iOS app": the right one gets the key, at every step."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from projects.models import ApiKey, Credential, Organization, Project
from tests.admin.session_rows import make_session
from tests.admin.staffing import ROLES, address
from tests.browser.accessibility import Inspection, Screens, each_screen
from tests.browser.conftest import member
from tests.browser.test_admin_as_staff import do, mint, told
from tests.conftest import Machine, make_machine, make_released
from tests.long_runs import at_length

LogIn = Callable[..., Page]


@pytest.fixture
def namesakes(site: str, signing_key: None) -> list[Machine]:
    """Of Acme, Beta and Gamma."""
    return [
        make_machine(Organization.objects.create(name=name), "iOS app")
        for name in ("Acme", "Beta", "Gamma")
    ]


def heading(page: Page) -> str:
    return page.locator("#content h1").inner_text()


@pytest.mark.long
def test_the_right_customers_key_is_issued_rotated_and_followed(
    log_in: LogIn, namesakes: list[Machine]
) -> None:
    _, beta, _ = namesakes
    page = log_in(member("olga", "operators").username)
    page.locator(".tasks").get_by_role("link", name="Find a customer").click()
    page.locator("#searchbar").fill("beta")
    page.locator("#searchbar").press("Enter")
    page.locator("#result_list").get_by_role("link", name="Beta").click()
    assert "Beta" in page.locator("#content").inner_text()
    page.get_by_role("region", name="Table of Projects").get_by_role("link", name="iOS app").click()
    assert "Beta / iOS app" in page.locator("#content").inner_text()

    page.get_by_role("link", name="Issue an API key …").click()
    assert heading(page) == "Issue an API key for Beta / iOS app"
    effects = page.locator(".effects").inner_text()
    assert "It is for Beta / iOS app, and works for no other project." in effects
    assert "Not meant are: Gamma / iOS app, Acme / iOS app." in effects
    page.get_by_label("Name of the key").fill("Tablets")
    page.get_by_role("button", name="Issue an API key").click()

    assert heading(page) == "The secret of Beta / iOS app / Tablets"
    issued = Credential.objects.get(name="Tablets")
    assert issued.project == beta.project
    assert mint(page, page.get_by_label("Secret").input_value()) == 201
    assert told(page) == f"Issued API key Beta / iOS app / {issued}."

    page.get_by_role("link", name="To the API key").click()
    assert "Beta / iOS app" in page.locator("#content").inner_text()
    page.get_by_role("link", name="Rotate …").click()
    assert heading(page).startswith("Rotate Beta / iOS app / Tablets")
    do(page, "Rotate", "It was in a screenshot.")
    assert heading(page) == "The secret of Beta / iOS app / Tablets"
    successor = Credential.objects.get(replaces=issued)
    page.goto(address(ApiKey.objects.get(id=issued.id)))
    page.get_by_role("link", name=str(successor.id)).click()
    page.wait_for_url(f"**{address(ApiKey.objects.get(id=successor.id))}")
    page.get_by_role("link", name=str(issued.id)).click()
    page.wait_for_url(f"**{address(ApiKey.objects.get(id=issued.id))}")

    page.goto(address(beta.organization))
    done = page.get_by_role("region", name="Table of what was done").inner_text()
    assert "It was in a screenshot." in done
    assert f"Issued API key Beta / iOS app / {issued}." in done
    assert "Acme" not in done


@pytest.mark.long
def test_who_begins_at_the_keys_tells_the_projects_apart(
    log_in: LogIn, namesakes: list[Machine]
) -> None:
    page = log_in(member("olga", "operators").username)
    page.goto(address(ApiKey, "add"))
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("iOS app")
    options = page.locator(".select2-results__option")
    # Those of the empty search are there until the answer comes.
    expect(options).to_have_count(3)
    expect(options.filter(has_text="iOS app")).to_have_count(3)
    assert sorted(options.all_inner_texts()) == sorted(
        f"{one.project} · {str(one.project.pk)[:8]}" for one in namesakes
    )
    options.filter(has_text="Gamma").click()
    page.get_by_role("button", name="Continue").click()
    assert heading(page) == "Issue an API key for Gamma / iOS app"


@pytest.mark.long
def test_a_customer_is_onboarded_by_keyboard_up_to_the_secret(
    log_in: LogIn, namesakes: list[Machine]
) -> None:
    page = log_in(member("olga", "operators").username)
    page.locator(".tasks").get_by_role("link", name="Onboard a customer").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name of the customer").focus()
    page.keyboard.type("acme")
    page.keyboard.press("Tab")
    page.keyboard.type("Web app")
    page.keyboard.press("Tab")
    page.keyboard.type("Gateway")
    page.keyboard.press("Enter")
    asked = page.locator(".errorlist").inner_text()
    assert asked == "There is a customer of this name already. Say which one is meant."
    assert Project.objects.filter(name="Web app").count() == 0
    another = page.get_by_label("Another customer of the same name")
    another.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")

    page.locator("#secret").wait_for()
    assert heading(page) == "The secret of acme / Web app / Gateway"
    assert mint(page, page.get_by_label("Secret").input_value()) == 201
    page.reload()
    assert "It was issued already" in told(page)
    assert Organization.objects.filter(name="acme").count() == 1


@pytest.mark.long
@at_length("role", *ROLES)
def test_each_role_sees_of_a_customer_what_it_may(
    log_in: LogIn, namesakes: list[Machine], role: str
) -> None:
    acme, *_ = namesakes
    page = log_in(member("somebody", role).username)
    page.goto(address(acme.organization))
    shown = page.locator(".customer h2").all_inner_texts()
    assert ("Live keys" in shown) == (role != "release managers")
    assert {"Projects", "MoveSpecs", "Sessions of the last 14 days"} <= set(shown)
    page.goto(address(acme.project))
    issues = page.get_by_role("link", name="Issue an API key …").count()
    assert issues == (1 if role == "operators" else 0)
    answer = page.goto(address(acme.project, "issue-api-key"))
    assert answer is not None
    assert answer.status == (200 if role == "operators" else 403)


@pytest.mark.long
@each_screen
def test_each_page_is_accessible_and_fits(
    log_in: LogIn, superuser: User, namesakes: list[Machine], screens: Screens
) -> None:
    acme, *_ = namesakes
    now = timezone.now()
    released, _ = make_released(acme.project, name="Squat " + "long " * 12)
    for back in range(14):
        for number in range(back + 1):
            outcome = "failed" if number % 5 == 4 else "completed"
            at = now - timedelta(days=back)
            make_session(released, outcome, created_at=at, accepted_frames_total=1000 * back)
    inspection = Inspection(screens)
    page = log_in(superuser.username)
    page.goto(address(acme.project, "suspend"))
    do(page, "Suspend", "The invoice of October is open, and nobody answers.")
    for row in (acme.organization, acme.project):
        page.goto(address(row))
        page.locator(".chart").wait_for()
        inspection.check(page, f"page of {row}")
    page.goto(address(acme.project, "issue-api-key"))
    inspection.check(page, "issue a key")
    page.goto(address(ApiKey, "add"))
    page.get_by_role("button", name="Continue").click()
    inspection.check(page, "choose no project")
    page.goto("/admin/projects/organization/onboard/")
    inspection.check(page, "onboard")
    page.get_by_label("Name of the customer").fill("Acme")
    page.get_by_role("button", name="Onboard a customer").click()
    inspection.check(page, "onboard a namesake")
    inspection.assert_no_problem()
