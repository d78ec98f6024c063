"""Chromium for the tests that use the admin as staff do: on the real web server, by typing."""

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from tests.chromium import OPTIONS, PROGRAMS
from tests.module_servers import WebServer
from tests.plugin import installed
from tests.waiting import DEADLINE_SECONDS

PASSWORD = "four unrelated plain words"
DEADLINE_MS = DEADLINE_SECONDS * 1000
expect.set_options(timeout=DEADLINE_MS)
# Each visitor has one of its own, on which the server counts what it limits.
ADDRESSES = map(str, ip_network("198.18.0.0/15").hosts())
# How often a visitor may try to log in within a minute.
LOGINS = 2
BEHIND_A_PROXY = {"TRUSTED_PROXIES": "127.0.0.1"}


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One headless Chromium for a module, with a profile of its own that is deleted.

    It is one of the module's CHROMIUM, where the module says so.

    For a module, not the session: while Playwright runs, its event loop counts as running in
    this thread, and tests elsewhere must not notice.
    """
    program = installed(*getattr(request.module, "CHROMIUM", PROGRAMS))
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # For that loop Django would refuse every query, though no coroutine of ours runs.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def web_environment() -> dict[str, str]:
    return BEHIND_A_PROXY | {"RATE_LIMIT_LOGIN": f"{LOGINS}/minute"}


@pytest.fixture
def site(browser: Browser, web: WebServer) -> str:
    """The base URL of the module's web server."""
    return web.base_url


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a page for a visitor without cookies; takes what Playwright's `new_context` takes.

    A script's error, a missing static file, or anything that the content security policy of a
    page forbids and the page tries all the same, fails the test.
    """
    faults: list[str] = []

    def note_missing(response: Response) -> None:
        if response.status >= 400 and "/static/" in response.url:
            faults.append(f"{response.status} {response.url}")

    def note_forbidden(message: ConsoleMessage) -> None:
        # What has no address was sent by a test: axe-core tries styles of its own.
        if message.location["url"] and "Content Security Policy" in message.text:
            faults.append(f"{message.location['url']}: {message.text}")

    with contextlib.ExitStack() as at_end:

        def visit(**options: Any) -> Page:
            options["extra_http_headers"] = {"X-Forwarded-For": next(ADDRESSES)}
            context = at_end.enter_context(browser.new_context(base_url=site, **options))
            context.set_default_timeout(DEADLINE_MS)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
            page.on("response", note_missing)
            page.on("console", note_forbidden)
            return page

        yield visit
    assert faults == []


@pytest.fixture
def log_in(visit: Callable[..., Page], site: str) -> Callable[..., Page]:
    """Logs a member of staff in; gives a page that shows the index.

    The session is made in the database: the form is for the tests of logging in.
    """

    def log_in(username: str, **options: Any) -> Page:
        page = visit(**options)
        page.context.add_cookies([session_cookie(username, site)])
        page.goto("/admin/")
        return page

    return log_in


@pytest.fixture
def superuser(transactional_db: None) -> User:
    return User.objects.create(
        username="root", password=password_hash(), is_staff=True, is_superuser=True
    )


def member(username: str, role: str) -> User:
    """A member of staff with the password PASSWORD, in the group of one of the three roles."""
    user = User.objects.create(username=username, password=password_hash(), is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@cache
def password_hash() -> str:
    """A hash of PASSWORD, which takes long to make."""
    return make_password(PASSWORD)


def session_cookie(username: str, site: str) -> dict[str, Any]:
    client = Client()
    client.force_login(User.objects.get(username=username))
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    return {"name": cookie.key, "value": cookie.value, "url": f"{site}/admin/"}


def fill_in_login(page: Page, username: str, password: str = PASSWORD) -> None:
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
