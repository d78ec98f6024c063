"""The admin's lists and menu in a browser: by keyboard, and at 400 px."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec
from projects.credentials import credential_revoke
from projects.models import AccessToken, ApiKey, Credential, Organization, Project
from sessions_app.models import DetectionSession
from tests.admin.staffing import ROLES, address, client_of
from tests.browser.accessibility import Screen, assert_accessible, assert_accessible_and_fits
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


WIDTHS = at_length("width", 400, 1280)
SCHEMES = at_length("color_scheme", "dark", "light")


def screen(width: int, color_scheme: str) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 800}, "color_scheme": color_scheme}


@pytest.mark.long
@WIDTHS
@SCHEMES
def test_a_filter_is_opened_chosen_and_closed_by_keyboard(
    log_in: LogIn, owner: Machine, peer: Machine, width: int, color_scheme: str
) -> None:
    credential_revoke(credential=peer.credential, now=timezone.now())
    member("grace", "support")
    page = log_in("grace", **screen(width, color_scheme))
    page.goto(address(ApiKey, "changelist"))
    state = page.locator(".filter", has_text="State").locator("summary")
    expect(state).to_have_text("State: All")

    state.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Revoked")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Revoked")).to_be_hidden()
    expect(state).to_be_focused()

    page.keyboard.press("Enter")
    page.get_by_role("link", name="Revoked").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**state=revoked*")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    expect(page.locator("#result_list")).to_contain_text("Acme / peer")
    expect(page.locator(".filter", has_text="State")).to_contain_text("State: Revoked")


def test_only_one_filter_is_open_and_a_click_elsewhere_closes_it(
    log_in: LogIn, owner: Machine
) -> None:
    member("grace", "support")
    page = log_in("grace", viewport={"width": 1280, "height": 800})
    page.goto(address(ApiKey, "changelist"))
    for title in ("State", "Created at"):
        page.locator(".filter", has_text=title).locator("summary").click()
        expect(page.locator(".filter[open]")).to_have_count(1)
    page.locator("h1").first.click()
    expect(page.locator(".filter[open]")).to_have_count(0)


@at_length("role", *ROLES)
def test_on_a_phone_each_cell_says_what_it_is(log_in: LogIn, movespec: MoveSpec, role: str) -> None:
    member("grace", role)
    page = log_in("grace", viewport={"width": 400, "height": 800})
    page.goto(address(MoveSpec, "changelist"))
    named = page.evaluate(
        """() => [...document.querySelectorAll("#result_list tbody tr [data-column]")].map(
            cell => getComputedStyle(cell, "::before").content.slice(1, -1))"""
    )
    assert named == ["Name", "Id", "Project", "State", "Released", "Created"]
    expect(page.locator("#result_list")).to_contain_text("Acme / owner")
