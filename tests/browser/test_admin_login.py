"""Logging in and out of the admin."""

import re
from collections.abc import Callable

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import fill_in_login
from tests.long_runs import at_length

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
