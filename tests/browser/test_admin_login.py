"""Logging in and out of the admin."""

import re
from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import fill_in_login, staff_user
from tests.long_runs import at_length

LIST = "/admin/projects/project/"
LOGIN = re.compile("/admin/login/")


def log_out(page: Page) -> None:
    page.locator("#logout-form button").click()
    page.wait_for_url("**/admin/logout/")


def test_the_right_password_opens_the_index(
    visit: Callable[..., Page], superuser: User, site: str
) -> None:
    page = visit()
    page.goto("/admin/")
    expect(page).to_have_url(f"{site}/admin/login/?next=/admin/")

    fill_in_login(page, superuser.username)

    expect(page).to_have_url(f"{site}/admin/")
    expect(page.locator("#logout-form")).to_be_visible()


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


def test_who_is_no_staff_is_refused(visit: Callable[..., Page]) -> None:
    user = staff_user("customer")
    user.is_staff = False
    user.save()
    page = visit()
    page.goto("/admin/login/")

    fill_in_login(page, user.username)

    expect(page.get_by_text("for a staff account")).to_be_visible()
    expect(page).to_have_url(LOGIN)


def test_login_goes_on_to_the_page_that_was_asked_for(
    visit: Callable[..., Page], superuser: User, site: str
) -> None:
    page = visit()
    page.goto(f"{LIST}?q=squat")

    fill_in_login(page, superuser.username)

    expect(page).to_have_url(f"{site}{LIST}?q=squat")


def test_login_never_goes_on_to_another_site(
    visit: Callable[..., Page], superuser: User, site: str
) -> None:
    page = visit()
    page.goto("/admin/login/?next=https://elsewhere.invalid/")

    fill_in_login(page, superuser.username)

    expect(page).to_have_url(re.compile(f"^{re.escape(site)}/"))


def test_logging_out_ends_the_session(log_in: Callable[..., Page], superuser: User) -> None:
    page = log_in(superuser.username)

    log_out(page)

    page.goto(LIST)
    expect(page).to_have_url(LOGIN)


def test_staff_see_only_what_they_may(log_in: Callable[..., Page], superuser: User) -> None:
    staff_user("looker", "view_project")

    page = log_in("looker")

    # The menu of a narrow page has it too.
    expect(page.get_by_role("link", name="Projects")).to_have_attribute("href", LIST)
    expect(page.locator("a[href='/admin/projects/signingkey/']")).to_have_count(0)
