"""The three roles: what each holds, and that a migrate makes them so again."""

import re

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command

from erasure.models import ErasedSession
from projects.models import ApiKey
from sessions_app.models import DetectionEvent, LastRun, PlatformHeartbeat, SessionAttach
from staff.apps import ROLES, make_roles
from tests.admin.staffing import address, member, text_of
from tests.conftest import Machine
from webhooks.models import SenderState

READS = {
    f"{app}.view_{model._meta.model_name}"
    for app in ("projects", "movespecs", "sessions_app", "webhooks", "erasure")
    for model in apps.get_app_config(app).get_models()
    # What is shown on another model's page needs that model's permission; a heartbeat is on none.
    if model
    not in (SessionAttach, DetectionEvent, PlatformHeartbeat, LastRun, ErasedSession, SenderState)
} | {"admin.view_logentry", "usage.view_usagemonth"}
OF_CREDENTIALS = {
    f"projects.view_{name}"
    for name in ("credential", "apikey", "serviceaccount", "accesstoken", "signingkey")
}
RELEASES = {"movespecs.release_movespecversion", "movespecs.withdraw_movespecversion"}


def held(role: str) -> set[str]:
    user = User(username=role, is_staff=True)
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return user.get_all_permissions()


def test_support_reads_everything_of_ours_and_does_nothing(db: None) -> None:
    assert held("support") == READS


def test_release_managers_release_and_see_no_credential(db: None) -> None:
    assert held("release managers") == (READS - OF_CREDENTIALS) | RELEASES


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads_who_did_what(owner: Machine, role: str) -> None:
    operator = member("operators", "olga")
    row = ApiKey.objects.get(id=owner.credential.id)
    body = {"overlap": "24", "reason": "It leaked.", "expires_at": "", "seen_expires_at": ""}
    rotated = text_of(operator.post(address(row, "rotate"), body))
    (secret,) = re.findall(r'id="secret" value="([^"]*)"', rotated)
    (entry,) = LogEntry.objects.filter(object_id=str(row.pk))
    reader = member(role, "reader")

    listed = reader.get(address(LogEntry, "changelist"))
    shown = reader.get(address(entry))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert address(LogEntry, "changelist") in text_of(reader.get("/admin/"))
    for page in (text_of(listed), text_of(shown)):
        assert "olga" in page
        assert "It leaked." in page
        assert secret not in page
        assert secret[-43:] not in page
    assert reader.post(address(entry), {"change_message": ""}).status_code == 403


def test_operators_do_all_but_erase(db: None) -> None:
    every = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in Permission.objects.select_related("content_type")
    }
    erases = {"projects.erase_organization", "projects.erase_project"}
    assert erases < every
    assert held("operators") == every - erases


def test_a_migrate_makes_the_roles_what_they_are_and_keeps_their_members(db: None) -> None:
    user = User.objects.create(username="member")
    support = Group.objects.get(name="support")
    support.user_set.add(user)
    support.permissions.set(Permission.objects.filter(codename="add_organization"))
    Group.objects.get(name="operators").delete()
    own = Group.objects.create(name="billing")
    own.permissions.set(Permission.objects.filter(codename="view_project"))

    for _ in range(2):
        call_command("migrate", verbosity=0)

        assert sorted(Group.objects.values_list("name", flat=True)) == sorted([*ROLES, "billing"])
        assert held_by(support) == READS
        assert list(support.user_set.all()) == [user]
        assert held_by(own) == {"projects.view_project"}


def held_by(group: Group) -> set[str]:
    return {
        f"{one.content_type.app_label}.{one.codename}"
        for one in group.permissions.select_related("content_type")
    }


def test_before_the_tables_of_auth_there_is_nothing_to_make(db: None) -> None:
    from django.apps.registry import Apps

    before = Group.objects.count()
    make_roles(app_config=apps.get_app_config("projects"), using="default", apps=Apps())
    assert Group.objects.count() == before
