"""What staff do in a day, as they do it: in a browser, by clicking and typing."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Credential, CredentialKind
from tests.admin.staffing import address
from tests.browser.accessibility import assert_accessible, assert_accessible_and_fits
from tests.browser.conftest import fill_in_login, member
from tests.conftest import VALID_YAML, Machine, make_version
from tests.long_runs import at_length

LogIn = Callable[..., Page]
SECOND = VALID_YAML.replace("angle_max: 100", "angle_max: 95")


@pytest.fixture
def second(site: str, movespec: MoveSpec) -> MoveSpecVersion:
    return make_version(movespec.id, SECOND)


def released_of(movespec: MoveSpec) -> int | None:
    version = MoveSpec.objects.get(id=movespec.id).current_released_version
    return version and version.version_number


def do(page: Page, button: str, reason: str) -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name=button, exact=True).click()


def told(page: Page) -> str:
    """What the page says was done or refused."""
    messages = page.locator(".messagelist li")
    messages.first.wait_for()
    return " ".join(messages.all_inner_texts())


def test_a_release_manager_reads_a_diff_releases_and_rolls_back(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = log_in(member("grace", "release managers").username)
    page.get_by_role("link", name="MoveSpecs", exact=True).first.click()
    page.get_by_role("link", name="MoveSpecs", exact=True).last.click()
    page.locator("#searchbar").fill("squat")
    page.locator("#searchbar").press("Enter")
    page.get_by_role("link", name="Squat", exact=True).click()
    page.get_by_role("link", name="Version 2", exact=True).click()

    difference = page.get_by_role("region", name="Difference")
    assert difference.locator("del").inner_text() == "100"
    assert difference.locator("ins").inner_text() == "95"

    page.get_by_role("link", name="Release …").click()
    assert "gets version 2 instead of version 1" in page.locator(".effects").inner_text()
    assert_accessible_and_fits(page)
    page.get_by_role("button", name="Release", exact=True).click()
    assert "This field is required." in page.locator(".errorlist").inner_text()
    assert_accessible_and_fits(page)
    assert released_of(movespec) == 1
    do(page, "Release", "Deeper squats.")

    assert told(page) == "Released version 2 of Acme / owner / Squat."
    assert released_of(movespec) == 2

    page.goto(address(movespec))
    page.get_by_role("link", name="Roll back to version 1 …").click()
    do(page, "Roll back to", "It counts nothing.")
    assert told(page) == "Rolled back to version 1 of Acme / owner / Squat."
    assert released_of(movespec) == 1
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(address(movespec))
    page.locator(".object-tools").get_by_role("link", name="Releases").click()
    rows = page.locator("#result_list tbody tr")
    assert [row.split("\t")[-3:] for row in rows.all_inner_texts()] == [
        ["2 → 1", "grace", "It counts nothing."],
        ["1 → 2", "grace", "Deeper squats."],
        ["none → 1", "the platform", "-"],
    ]


def test_a_release_goes_by_keyboard_alone(
    log_in: LogIn, movespec: MoveSpec, second: MoveSpecVersion
) -> None:
    page = log_in(member("grace", "release managers").username)

    def tab_to(name: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            focused = page.evaluate(
                "(e => e.labels?.[0]?.innerText || e.value || e.innerText)(document.activeElement)"
            )
            if focused.strip().startswith(name):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
                assert (outline, shadow) != ("none", "none")
                return
        raise AssertionError(f"Tab never comes to {name}")

    page.goto(address(second))
    tab_to("Skip to main content")
    page.keyboard.press("Enter")
    tab_to("RELEASE …")
    page.keyboard.press("Enter")
    page.wait_for_url("**/release/")
    tab_to("Reason")
    page.keyboard.type("By keyboard.")
    tab_to("Release")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/")

    assert released_of(movespec) == 2


def mint(page: Page, secret: str) -> int:
    answer = page.request.post("/api/auth/access-tokens", data={"api_key": secret})
    return answer.status


@pytest.mark.long
def test_an_operator_issues_and_rotates_a_key(log_in: LogIn, site: str, owner: Machine) -> None:
    page = log_in(member("olga", "operators").username)
    page.goto(address(owner.project))
    page.get_by_role("link", name="Issue an API key").click()
    assert page.locator("h1").inner_text() == "Issue an API key for Acme / owner"
    page.get_by_label("Name of the key").fill("Tablets")
    page.get_by_label("usage:read").uncheck()
    page.get_by_role("button", name="Issue an API key").click()

    secret = page.get_by_label("Secret").input_value()
    page.get_by_role("button", name="Copy", exact=True).click()
    assert_accessible_and_fits(page)
    assert mint(page, secret) == 201
    issued = Credential.objects.get(name="Tablets")
    assert issued.kind == CredentialKind.API_KEY
    assert "usage:read" not in issued.scopes
    page.reload()
    assert "already" in told(page)
    assert secret not in page.content()
    assert Credential.objects.filter(name="Tablets").count() == 1

    page.get_by_role("link", name="Rotate …").click()
    assert_accessible_and_fits(page)
    page.get_by_label("no time: it is revoked at once").check()
    do(page, "Rotate", "It was in a screenshot.")

    successor = page.get_by_label("Secret").input_value()
    assert successor != secret
    assert (mint(page, secret), mint(page, successor)) == (401, 201)


LIST = "/admin/projects/project/"
LOGIN = re.compile("/admin/login/")


@at_length("color_scheme", "dark", "light")
def test_a_wrong_password_is_refused_accessibly(
    visit: Callable[..., Page], superuser: User, color_scheme: str
) -> None:
    page = visit(color_scheme=color_scheme)
    page.goto("/admin/login/")

    fill_in_login(page, superuser.username, "wrong")

    expect(page.get_by_text("Please enter the correct username and password")).to_be_visible()
    expect(page.locator("input[name=password]")).to_have_value("")
    assert_accessible(page)
    page.goto(LIST)
    expect(page).to_have_url(LOGIN)
