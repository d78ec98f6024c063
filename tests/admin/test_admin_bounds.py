"""What the admin refuses to every staff member or to some, and how many queries a row costs."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client

from movespecs.models import MoveSpec
from projects.models import Project
from staff.base import BoundedAdmin, BoundedPaginator, ReadOnlyAdmin
from tests.admin.staffing import address
from tests.api.api_requests import database_state
from tests.conftest import Machine
from tests.erasure.people import ask_to_erase
from tests.webhooks.endpoint import make_delivery, make_endpoint

READ_ONLY = sorted(
    (model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)),
    key=lambda model: model._meta.label,
)
each_read_only = pytest.mark.parametrize(
    "model", READ_ONLY, ids=[model._meta.label for model in READ_ONLY]
)


def staff(*, is_superuser: bool) -> Client:
    client = Client()
    client.force_login(User.objects.create(username="s", is_staff=True, is_superuser=is_superuser))
    return client


def our_rows() -> dict[str, tuple[int, str]]:
    """All tables but those in which Django notes that staff were there."""
    return {
        table: rows for table, rows in database_state().items() if not table.startswith("django_")
    }


@each_read_only
def test_not_even_a_superuser_adds_changes_or_deletes(
    owner: Machine, movespec: MoveSpec, model: type[Model]
) -> None:
    client = staff(is_superuser=True)
    owner.create_session(movespec)
    ask_to_erase(owner.project)
    make_delivery(make_endpoint(owner.project))
    row = model._default_manager.first()
    pk = row.pk if row else "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"
    before = our_rows()
    assert client.post(address(model, "add"), {"name": "x"}).status_code == 403
    delete = {"post": "yes"}
    selected = {"action": "delete_selected", "_selected_action": [str(pk)], "post": "yes"}
    if row is not None:
        assert client.post(address(model, "change", pk), {"name": "x"}).status_code == 403
        assert client.post(address(model, "delete", pk), delete).status_code == 403
    client.post(address(model, "changelist"), selected)
    assert our_rows() == before


def test_nobody_deletes_an_organization_or_project(owner: Machine) -> None:
    client = staff(is_superuser=True)
    before = our_rows()
    for row in (owner.organization, owner.project):
        answer = client.post(address(type(row), "delete", row.pk), {"post": "yes"})
        assert answer.status_code == 403
    assert our_rows() == before


@pytest.mark.parametrize(
    "model",
    sorted(admin.site._registry, key=lambda model: model._meta.label),
    ids=lambda model: model._meta.label,
)
def test_staff_without_permission_see_nothing(owner: Machine, model: type[Model]) -> None:
    client = staff(is_superuser=False)
    assert client.get("/admin/").status_code == 200
    assert client.get(address(model, "changelist")).status_code == 403
    assert client.get(address(model, "add")).status_code == 403


def test_a_long_list_says_no_other_number_as_its_own(
    owner: Machine, outsider: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL estimates the whole table's rows, whatever a list is filtered by."""
    monkeypatch.setattr(BoundedPaginator, "MAX_COUNTED", 10)
    monkeypatch.setattr(BoundedAdmin, "list_per_page", 4)
    for project, number in ((owner.project, 30), (outsider.project, 70)):
        Project.objects.bulk_create(
            Project(organization=project.organization, name=f"Project {one}")
            for one in range(number)
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE projects_project")
    client = staff(is_superuser=True)
    listed = address(Project, "changelist")
    for asked in (
        {"organization__id__exact": str(owner.organization.id)},
        {"q": "Project"},
        {"suspended": "no"},
        {},
    ):
        page = client.get(listed, asked)
        text = " ".join(page.content.decode().split())
        assert "more than 10 projects" in text
        assert "10 results" not in text.replace("more than 10 results", "")
        assert "Select all more than 10 projects" in text
        assert not re.search(r"\b(10[0-9]|3[012]) (projects|results)", text)
        assert list(page.context["cl"].paginator.page_range) == [1, 2, 3]
    assert client.get(listed, {"p": "3"}).status_code == 200
    assert client.get(listed, {"p": "4"}).status_code == 400
    few = client.get(listed, {"q": "owner"})
    assert few.context["cl"].result_count == 1
