"""Three customers have a project called "iOS app": the right one gets the key, at every step."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from projects.models import ApiKey, Organization, Project
from tests.admin.staffing import address
from tests.browser.conftest import member
from tests.browser.test_admin_as_staff import mint, told
from tests.conftest import Machine, make_machine

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
