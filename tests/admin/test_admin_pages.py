"""Every registered admin page, in one loop over the registry."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from movespecs.models import MoveSpec
from projects.credentials import credential_issue
from projects.models import CredentialKind, Organization, Project
from tests.admin.staffing import address, text_of
from tests.conftest import Machine, make_machine, make_released
from tests.erasure.people import ask_to_erase
from tests.usage.using import use
from tests.webhooks.endpoint import make_delivery, make_endpoint

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def populated(owner: Machine, movespec: MoveSpec) -> Machine:
    """At least one row of every model."""
    credential_issue(project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
    owner.create_session(movespec, idempotency_key="key")
    ask_to_erase(owner.project)
    make_delivery(make_endpoint(owner.project))
    use(owner)
    Group.objects.create(name="group")
    client = Client()
    client.force_login(User.objects.create_superuser("first"))
    for row in (owner.organization, owner.project):
        act(client, type(row), "suspend", row)
        act(client, type(row), "resume", row)
    return owner


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_it_opens_list_search_filters_add_and_change(
    superuser: Client, populated: Machine, model: type[Model]
) -> None:
    row = model._default_manager.first()
    assert row is not None
    model_admin = admin.site._registry[model]

    assert superuser.get(address(model, "changelist")).status_code == 200
    assert superuser.get(address(model, "changelist"), {"q": str(row.pk)}).status_code == 200
    assert (
        superuser.get(address(model, "changelist"), {"q": "no such \x01 thing"}).status_code == 200
    )
    assert superuser.get(address(model, "change", row.pk)).status_code == 200
    assert superuser.get(address(model, "history", row.pk)).status_code == 200
    adding = superuser.get(address(model, "add")).status_code
    can_add = type(model_admin).has_add_permission is admin.ModelAdmin.has_add_permission
    assert adding == (200 if can_add else 403)
    for path in filter_addresses(superuser, model):
        assert superuser.get(path).status_code == 200, path


def filter_addresses(client: Client, model: type[Model]) -> Iterator[str]:
    changelist = client.get(address(model, "changelist")).context["cl"]
    for one_filter in changelist.filter_specs:
        for choice in one_filter.choices(changelist):
            yield address(model, "changelist") + choice["query_string"]


def test_no_list_asks_a_query_per_row(superuser: Client, populated: Machine) -> None:
    def queries() -> dict[str, int]:
        counted = {}
        for model in REGISTERED:
            with CaptureQueriesContext(connection) as captured:
                superuser.get(address(model, "changelist"))
            counted[model._meta.label] = len(captured)
        return counted

    queries()  # What is read once.
    few = queries()
    for number in range(5):
        more = make_machine(Organization.objects.create(name=f"More {number}"), f"more {number}")
        credential_issue(project=more.project, kind=CredentialKind.SERVICE_ACCOUNT, name="service")
        released, _ = make_released(more.project)
        more.create_session(released)
        ask_to_erase(more.project)
        make_delivery(make_endpoint(more.project))
        User.objects.create(username=f"user {number}")
        Group.objects.create(name=f"group {number}")
        act(superuser, Project, "suspend", more.project)
    assert queries() == few
    assert max(few.values()) <= 12


def act(client: Client, model: type[Model], action: str, row: Model) -> None:
    """An action of a list, with its confirmation."""
    client.post(
        address(model, "changelist"),
        {
            "action": action,
            "_selected_action": [str(row.pk)],
            "confirmed": "yes",
            "reason": "Asked for",
        },
    )


def test_it_sends_strangers_to_the_login(db: None) -> None:
    for model in REGISTERED:
        answer = Client().get(address(model, "changelist"))
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")


def test_moments_are_in_24_hours_to_the_second_with_their_zone(
    superuser: Client, movespec: MoveSpec
) -> None:
    made = f"{movespec.created_at:%-d %b %Y, %H:%M:%S} UTC"
    assert made in text_of(superuser.get(address(movespec)))
