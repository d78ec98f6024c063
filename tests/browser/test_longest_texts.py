"""Texts as long as a customer or staff can write them, without a space: no page grows with them."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import CharField, Model
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page

from movespecs.drafts import MAX_DESCRIPTION_CHARACTERS, draft_replace, movespec_create
from movespecs.models import PLATFORM, MoveSpec, MoveSpecVersion, Visibility
from movespecs.releases import version_create, version_release
from projects.credentials import credential_issue
from projects.models import ApiKey, CredentialKind, Organization, Project, ServiceAccount
from sessions_app.models import DetectionSession, SessionAttach
from staff.lists import MAX_SEARCH
from tests.admin.staffing import address, client_of
from tests.browser.admin_pages import detect, pages
from tests.browser.conftest import staff_user
from tests.conftest import VALID_YAML, Machine
from tests.long_runs import at_length
from tests.sessions_app.engine_work import squatted
from tests.webhooks.endpoint import make_delivery, make_endpoint
from webhooks.models import MAX_RESPONSE_BYTES, MAX_URL_CHARACTERS, WebhookEndpoint

LogIn = Callable[..., Page]
# The widest letter.
LETTER = "W"
REASON = LETTER * 1000
CUE = LETTER * 200
PHASE, EVENT = "M" * 64, LETTER * 64
YAML = (
    VALID_YAML.replace("squat", EVENT).replace("standing", PHASE)
    + f"    feedback:\n      - {{when: bottom, message: {CUE}}}\n"
)
WIDTHS = (1280, 400)
# What scrolls in its box is a YAML, no line of which is broken, and on a phone a table of numbers.
TOO_WIDE = """
() => {
  const wide = element => element.scrollWidth - element.clientWidth > 0;
  const boxes = [...document.querySelectorAll(".results, .scrolls, section.module")];
  return [document.documentElement, ...boxes]
    .filter(one => wide(one) && !one.matches("pre, :has(> .source)"))
    .filter(one => innerWidth > 700 || !one.matches(":has(td.number)"))
    .map(one => `${one.tagName}.${one.className} ${one.scrollWidth} of ${one.clientWidth}`);
}
"""


def longest(model: type[Model], field: str) -> str:
    column: Any = model._meta.get_field(field)
    assert isinstance(column, CharField)
    assert column.max_length is not None
    return LETTER * column.max_length


@pytest.fixture
def root(transactional_db: None) -> Iterator[User]:
    user = staff_user(longest(User, "username"), is_superuser=True)
    for field in ("first_name", "last_name"):
        setattr(user, field, longest(User, field))
    user.email = "W" * 63 + "@" + "W" * 63 + ".example"
    user.save()
    group = Group.objects.create(name=longest(Group, "name"))
    yield user
    group.delete()


@pytest.fixture
def customer(root: User, owner: Machine) -> Machine:
    """A customer with keys, MoveSpecs and sessions, and with all that staff do to them."""
    for row in (owner.organization, owner.project, owner.credential):
        row.name = longest(type(row), "name")
        row.save(update_fields=["name"])
    project, made_at = owner.project, owner.credential.created_at
    name = longest(ServiceAccount, "name")
    credential_issue(project=project, kind=CredentialKind.SERVICE_ACCOUNT, name=name)
    movespec = movespec_create(
        project_id=project.id,
        name=longest(MoveSpec, "name"),
        description=LETTER * MAX_DESCRIPTION_CHARACTERS,
        author=PLATFORM,
        now=made_at,
        yaml_source=YAML,
        visibility=Visibility.PUBLIC,
    )
    act = client_of(root)
    first, second, third = (add_version(movespec, number) for number in range(3))
    version_release(movespec_id=movespec.id, version_id=first.id, author=PLATFORM, now=made_at)
    work = squatted("event_completed", YAML)
    for number in range(2):
        more = {"idempotency_key": str(number) * longest_key()}
        created = owner.create_session(movespec, **more)
        assert created.status_code == 201, created.content
        session_id = UUID(created.json()["session_id"])
        detect(
            session_id,
            work,
            runtime=longest(SessionAttach, "runtime"),
            client=longest(SessionAttach, "client"),
        )
    endpoint = make_endpoint(
        project,
        url=f"https://{LETTER * (MAX_URL_CHARACTERS - 8)}",
        description=longest(WebhookEndpoint, "description"),
        failing_since=made_at,
    )
    delivery = make_delivery(
        endpoint,
        tried_at=made_at,
        body=json.dumps({"text": LETTER * 1000}),
        response_status=500,
        response_body=LETTER * MAX_RESPONSE_BYTES,
        failure=LETTER * 1000,
    )
    for row, action, fields in [
        (delivery, "send-again", {}),
        (endpoint, "test", {}),
        (second, "release", {}),
        (third, "withdraw", {"replacement": "nothing"}),
        (ApiKey.objects.get(), "rotate", {"overlap": "24"}),
        (ServiceAccount.objects.get(), "revoke", {}),
        (DetectionSession.objects.first(), "cancel", {}),
        (movespec, "delist", {}),
    ]:
        perform(act, row, action, **fields)
    return owner


def longest_key() -> int:
    column: Any = DetectionSession._meta.get_field("idempotency_key")
    return int(column.max_length)


def add_version(movespec: MoveSpec, number: int) -> MoveSpecVersion:
    text = f"{YAML}# {number}\n"
    draft_replace(
        movespec_id=movespec.id, yaml_source=text, author=PLATFORM, now=movespec.created_at
    )
    version, _ = version_create(movespec_id=movespec.id, author=PLATFORM, now=movespec.created_at)
    return version


def perform(client: Client, row: Any, action: str, **fields: str) -> None:
    """Do it as its page does, with what the form was filled in with."""
    page = client.get(address(row, action))
    form = page.context["form"]
    shown = {field.html_name: field.value() or "" for field in form}
    done = client.post(address(row, action), {**shown, **fields, "reason": REASON})
    assert done.status_code in (200, 302), (action, done.content)


def further_pages(customer: Machine) -> list[tuple[str, str]]:
    """Pages that show a text of the address, or what it leads to."""
    project, organization = customer.project.pk, customer.organization.pk
    words = LETTER * MAX_SEARCH
    found = [
        ("found", reverse("admin:find"), {"q": words}),
        ("onboard", reverse("admin:projects_organization_onboard"), {}),
        ("refused for long", reverse("admin:projects_apikey_changelist"), {words: words}),
    ]
    for model in (Organization, Project, ApiKey, MoveSpec, MoveSpecVersion, DetectionSession):
        found.append((f"search of {model._meta.label}", address(model, "changelist"), {"q": words}))
    for model in (ApiKey, MoveSpec):
        filters = {"project__id__exact": project, "project__organization__id__exact": organization}
        found.append((f"filters of {model._meta.label}", address(model, "changelist"), filters))
    filters = {"project__id__exact": project, "organization": organization}
    found.append(("filters of sessions", address(DetectionSession, "changelist"), filters))
    return [(name, f"{path}?{urlencode(asked)}") for name, path, asked in found]


def too_wide(page: Page, name: str) -> list[str]:
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{name}, {width} px: {one}" for one in page.evaluate(TOO_WIDE)]
    return found


@pytest.mark.long
@at_length("is_suspended", True, False)
def test_no_page_grows_with_the_longest_texts(
    log_in: LogIn, root: User, customer: Machine, is_suspended: bool
) -> None:
    if is_suspended:
        for row in (customer.project, customer.organization):
            perform(client_of(root), row, "suspend")
    page = log_in(root.username)
    found = []
    for name, path in [*pages(root), *further_pages(customer)]:
        response = page.goto(path)
        assert response is not None
        assert response.status == (400 if name.startswith("refused") else 200), (name, page.url)
        found += too_wide(page, name)
    assert "\n".join(found) == ""


@pytest.mark.long
def test_what_an_action_answers_does_not_grow_either(
    log_in: LogIn, root: User, customer: Machine
) -> None:
    page = log_in(root.username)
    found = []
    page.goto(f"{address(ApiKey.objects.first())}")
    page.get_by_role("link", name="Rotate …").click()
    page.get_by_label("Reason").fill(REASON)
    page.get_by_role("button", name="Rotate", exact=True).click()
    page.locator("#secret").wait_for()
    found += too_wide(page, "secret")
    page.goto(address(MoveSpec, "changelist"))
    for step in ("asked", "done"):
        if step == "asked":
            page.locator("input.action-select").first.check()
            page.locator("select[name=action]").select_option("relist")
            page.locator("button[name=index]").click()
        else:
            page.get_by_label("Reason").fill(REASON)
            page.get_by_role("button", name="Relist", exact=True).click()
        page.wait_for_load_state()
        found += too_wide(page, f"several, {step}")
    page.goto(reverse("admin:index"))
    page.locator("#find-text").fill(LETTER * MAX_SEARCH)
    page.locator("#find-text").press_sequentially(" ")
    page.locator("#find .found a").first.wait_for()
    found += too_wide(page, "typed")
    assert "\n".join(found) == ""
