"""The admin at 400 px: a menu, whole words, and each release with who and why."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec
from projects.models import AccessToken, ApiKey, Credential, Organization, Project
from sessions_app.models import DetectionSession
from tests.admin.staffing import ROLES, address, client_of
from tests.browser.accessibility import Screen, assert_accessible_and_fits
from tests.browser.conftest import member
from tests.conftest import VALID_YAML, Machine, make_version
from tests.long_runs import at_length

LogIn = Callable[..., Page]
PHONE = {"viewport": {"width": 400, "height": 800}}
PHONES = (Screen(400, "light"), Screen(400, "dark"))


@pytest.mark.long
@at_length("role", *ROLES)
def test_the_menu_leads_to_each_list_by_keyboard_and_closes(
    log_in: LogIn, movespec: MoveSpec, role: str
) -> None:
    user = member("grace", role)
    page = log_in("grace", **PHONE)
    page.goto(address(MoveSpec, "changelist"))
    menu, links = page.locator("details.menu"), page.get_by_role("navigation", name="Menu")
    expect(links).to_be_hidden()
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(links).to_be_visible()
    apps = client_of(user).get(reverse("admin:index")).context["available_apps"]
    offered = [str(model["name"]) for app in apps for model in app["models"]]
    assert links.get_by_role("link").all_inner_texts() == offered
    expect(links.locator("[aria-current]")).to_have_text("MoveSpecs")
    assert_accessible_and_fits(page, PHONES)
    page.keyboard.press("Escape")
    expect(links).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()

    page.keyboard.press("Enter")
    links.get_by_role("link", name="Releases", exact=True).click()
    page.wait_for_url(f"**{reverse('admin:movespecs_release_changelist')}")


def test_on_a_wide_screen_the_sidebar_is_the_menu(log_in: LogIn, movespec: MoveSpec) -> None:
    member("grace", "support")
    page = log_in("grace", viewport={"width": 1280, "height": 800})
    page.goto(address(MoveSpec, "changelist"))
    expect(page.locator("details.menu")).to_be_hidden()
    expect(page.locator("#nav-sidebar")).to_be_visible()


HEIGHTS = "all => all.map(one => one.getBoundingClientRect().height)"
LONG = "Rehabilitationszentrum für Bewegung und Gesundheit am Stadtpark"


def test_the_header_is_one_line_and_rows_are_low_whatever_the_names(
    log_in: LogIn, superuser: User, owner: Machine, movespec: MoveSpec
) -> None:
    for model in (Organization, Project, MoveSpec, Credential):
        model._default_manager.update(name=LONG)
    owner.create_session(movespec)
    make_version(movespec.id, VALID_YAML + "# two\n")
    page = log_in(superuser.username, **PHONE)
    models = (Organization, Project, ApiKey, MoveSpec, DetectionSession, AccessToken)
    for path in [address(model, "changelist") for model in models]:
        page.goto(path)
        rows = page.locator("#result_list tbody tr").evaluate_all(HEIGHTS)
        assert rows, path
        assert max(rows) <= 100, (path, rows)
        [header] = page.locator("#header").evaluate_all(HEIGHTS)
        assert header <= 60, path
    page.goto(address(movespec))
    rows = page.get_by_role("region", name="Table of versions").locator("tbody tr")
    assert max(rows.evaluate_all(HEIGHTS)) <= 100


def test_what_is_ones_own_is_in_the_menu(log_in: LogIn, superuser: User) -> None:
    page = log_in(superuser.username, **PHONE)
    out = page.get_by_role("button", name="Log out")
    expect(out).to_be_hidden()
    page.locator("details.menu summary").press("Enter")
    expect(out).to_be_visible()
    out.click()
    page.wait_for_url("**/admin/logout/")
