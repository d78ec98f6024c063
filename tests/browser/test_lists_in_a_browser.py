"""Lists as staff use them: filters as menus, by keyboard; and each row alone on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec
from projects.credentials import credential_revoke
from projects.models import ApiKey
from tests.admin.staffing import ROLES, address
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import member
from tests.conftest import Machine
from tests.long_runs import at_length

LogIn = Callable[..., Page]
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
