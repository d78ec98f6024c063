"""Every page of the admin, light and dark, narrow and wide: axe-core has nothing to say."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse
from playwright.sync_api import Page

from movespecs.models import MoveSpec
from projects.credentials import credential_issue
from projects.models import CredentialKind
from staff.acts import ActingAdmin
from tests.browser.accessibility import Violation, report, violations
from tests.conftest import Machine

COLOR_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Pages beside those that each registered model has: a name, and what gives the path.
PAGES: list[tuple[str, Callable[[], str]]] = [
    ("index", lambda: reverse("admin:index")),
    ("password change", lambda: reverse("admin:password_change")),
    ("password changed", lambda: reverse("admin:password_change_done")),
    (
        "password of another user",
        lambda: reverse("admin:auth_user_password_change", args=[User.objects.first().pk]),
    ),
    ("app index", lambda: reverse("admin:app_list", args=["movespecs"])),
    ("nothing found", lambda: reverse("admin:movespecs_movespec_changelist") + "?q=nothing"),
]


@pytest.fixture
def populated(owner: Machine, movespec: MoveSpec, superuser: User) -> None:
    """At least one row of every model, and a history of it."""
    credential_issue(project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
    owner.create_session(movespec, idempotency_key="key")
    Group.objects.create(name="group")
    for model in admin.site._registry:
        row = model._default_manager.all()[:1]
        LogEntry.objects.log_actions(superuser.pk, row, CHANGE, "Changed.", single_object=True)


def pages(superuser: User) -> Iterator[tuple[str, str]]:
    """The name and path of every page that a superuser may open."""
    yield from ((name, path()) for name, path in PAGES)
    request = RequestFactory().get("/")
    request.user = superuser
    for model, model_admin in admin.site._registry.items():
        row = model._default_manager.first()
        assert row is not None, f"`populated` makes no {model._meta.label}"
        names: list[tuple[str, list[Any]]] = [("changelist", []), ("change", [row.pk])]
        names += [("history", [row.pk])]
        if model_admin.has_add_permission(request):
            names += [("add", [])]
        if model_admin.has_delete_permission(request, row):
            names += [("delete", [row.pk])]
        if isinstance(model_admin, ActingAdmin):
            names += [(act.name, [row.pk]) for act in model_admin.acts]
        for name, arguments in names:
            yield f"{model._meta.label} {name}", address(model, name, *arguments)


def address(model: type[Model], name: str, *arguments: Any) -> str:
    options = model._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{name}", args=arguments)


@pytest.mark.parametrize("width", [400, 1280])
def test_every_page_is_accessible_and_fits(
    log_in: Callable[..., Page],
    visit: Callable[..., Page],
    superuser: User,
    populated: None,
    width: int,
) -> None:
    screen = {"viewport": {"width": width, "height": 900}}
    found: list[Violation] = []
    too_wide: list[str] = []

    def check(page: Page, name: str) -> None:
        for color_scheme in COLOR_SCHEMES:
            page.emulate_media(color_scheme=color_scheme)
            found.extend(violations(page, where=f"{name} ({color_scheme})"))
        if (shown := page.evaluate("document.documentElement.scrollWidth")) > width:
            too_wide.append(f"{name} scrolls sideways: {shown} px wide at {width}")

    stranger = visit(**screen)
    stranger.goto(reverse("admin:login"))
    check(stranger, "login")
    page = log_in(superuser.username, **screen)
    for name, path in pages(superuser):
        response = page.goto(path)
        assert response is not None
        assert (response.status, page.url.endswith(path)) == (200, True), (name, page.url)
        check(page, name)
    page.locator("#logout-form button").click()
    page.wait_for_url("**/admin/logout/")
    check(page, "logged out")

    problems = "\n".join([*too_wide, report(found)]).strip()
    assert not problems, problems
