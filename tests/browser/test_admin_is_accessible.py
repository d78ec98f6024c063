"""Every page of the admin, light and dark, narrow and wide: axe-core has nothing to say."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.credentials import credential_issue
from projects.models import CredentialKind
from staff.movespec_text import MAX_LINES
from tests.admin.staffing import address
from tests.browser.accessibility import Inspection, Screens, each_screen, screens_in_turn
from tests.browser.admin_pages import detect, pages
from tests.browser.conftest import LOGINS, fill_in_login
from tests.conftest import VALID_YAML, Machine, make_version
from tests.erasure.people import ask_to_erase
from tests.usage.using import use
from tests.webhooks.endpoint import make_delivery, make_endpoint


@pytest.fixture
def populated(owner: Machine, movespec: MoveSpec, superuser: User) -> Iterator[None]:
    """At least one row of every model, and a history of it."""
    credential_issue(project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
    created = owner.create_session(movespec, idempotency_key="key").json()
    detect(UUID(created["session_id"]))
    ask_to_erase(owner.project)
    use(owner)
    make_delivery(
        make_endpoint(owner.project),
        status="failed",
        tried_at=timezone.now(),
        body='{"type": "movespec.released"}',
        response_status=500,
        response_body="Not now.",
        failure="Answered 500.",
    )
    group = Group.objects.create(name="group")
    for model in admin.site._registry:
        row = model._default_manager.all()[:1]
        LogEntry.objects.log_actions(superuser.pk, row, CHANGE, "Changed.", single_object=True)
    yield
    group.delete()


@screens_in_turn(one_in=8)
def test_every_page_is_accessible_and_fits(
    log_in: Callable[..., Page],
    visit: Callable[..., Page],
    superuser: User,
    populated: None,
    screens: Screens,
    one_in: int,
) -> None:
    inspection = Inspection(screens, in_turn=one_in > 1)
    stranger = visit()
    stranger.goto(reverse("admin:login"))
    inspection.check(stranger, "login")
    page = log_in(superuser.username)
    for name, path in [*pages(superuser)][::one_in]:
        response = page.goto(path)
        assert response is not None
        expected = 400 if name == "refused" else 200
        assert (response.status, page.url.endswith(path)) == (expected, True), (name, page.url)
        inspection.check(page, name)
    # On a phone it is behind the menu.
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#logout-form button").click()
    page.wait_for_url("**/admin/logout/")
    inspection.check(page, "logged out")

    inspection.assert_no_problem()


@pytest.mark.long
@each_screen
def test_long_texts_and_refusals_are_accessible_and_fit(
    log_in: Callable[..., Page],
    visit: Callable[..., Page],
    superuser: User,
    movespec: MoveSpec,
    screens: Screens,
) -> None:
    many = "".join(f"# {number}\n" for number in range(MAX_LINES + 500))
    version = make_version(movespec.id, VALID_YAML + many)
    inspection = Inspection(screens)
    page = log_in(superuser.username)
    for name in ("change", "release"):
        page.goto(address(MoveSpecVersion, name, version.pk))
        assert page.locator(".notice").count() == (2 if name == "change" else 1)
        remove_most_rows(page)
        inspection.check(page, f"{name} of a long version", within=".notice")
    page.goto(address(version))
    page.get_by_role("link", name="All lines").click()
    expect(page.locator("tr[id^=line]")).to_have_count(VALID_YAML.count("\n") + MAX_LINES + 500)

    stranger = visit()
    stranger.goto(reverse("admin:login"))
    for _ in range(LOGINS + 1):
        fill_in_login(stranger, "nobody", "a guess")
        stranger.wait_for_load_state()
    assert "Try again in" in stranger.locator("#content").inner_text()
    inspection.check(stranger, "too many attempts")
    stranger.goto(f"{reverse('admin:login')}?{'&' * 2}{'&'.join('a' * 1500)}")
    assert "can't be read" in stranger.locator("h1").inner_text()
    inspection.check(stranger, "bad request")

    inspection.assert_no_problem()


def remove_most_rows(page: Page) -> None:
    """Leave the last rows of a table, the widest: axe-core takes long to read them all."""
    page.evaluate(
        "document.querySelectorAll('tbody tr:nth-last-child(n + 21)').forEach(row => row.remove())"
    )
