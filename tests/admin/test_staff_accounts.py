"""The pages of staff and their groups: nobody gives or takes away what he does not hold himself."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.admin.staffing import address, client_of, member, shown_on, text_of
from tests.api.api_requests import nothing_changes

ERASE = "erase_project"
NAMED = {"username": "anna", "first_name": "", "last_name": "", "email": "", "is_staff": "on"}
JOINED = {"date_joined_0": "2026-01-02", "date_joined_1": "03:04:05"}


@pytest.fixture
def olga(db: None) -> Client:
    return member("operators", "olga")


@pytest.fixture
def anna(db: None) -> User:
    user = User.objects.create_user("anna", password="as it was", is_staff=True)
    user.groups.add(Group.objects.get(name="support"))
    return user


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


def save(client: Client, user: User, **fields: Any) -> Any:
    form = NAMED | JOINED | {"username": user.username, "is_active": "on"} | fields
    return client.post(address(user), form)


def all_of(user: User) -> dict[str, Any]:
    user = User.objects.get(pk=user.pk)
    columns = {field.attname: getattr(user, field.attname) for field in User._meta.fields}
    return columns | {
        "groups": set(user.groups.values_list("name", flat=True)),
        "permissions": set(user.user_permissions.values_list("codename", flat=True)),
    }


def test_an_operator_adds_an_account_and_gives_it_what_he_holds(olga: Client) -> None:
    password = "a passphrase of some length"
    olga.post(
        address(User, "add"),
        {"username": "nina", "usable_password": "true"}
        | {"password1": password, "password2": password, "is_superuser": "on"},
    )
    nina = User.objects.get(username="nina")
    groups = Group.objects.filter(name__in=["operators", "support"])
    given = permission("release_movespecversion")

    answer = save(olga, nina, groups=[one.pk for one in groups], user_permissions=[given.pk])

    assert answer.status_code == 302
    now = all_of(nina)
    assert now["groups"] == {"operators", "support"}
    assert now["permissions"] == {given.codename}
    assert not now["is_superuser"]
    assert User.objects.get(pk=nina.pk).check_password(password)


def test_an_operator_makes_nobody_a_superuser(olga: Client, anna: User) -> None:
    himself = User.objects.get(username="olga")
    for user in (himself, anna):
        kept = [one.pk for one in user.groups.all()]
        assert save(olga, user, is_superuser="on", groups=kept).status_code == 302

        assert not User.objects.get(pk=user.pk).is_superuser
    page = text_of(olga.get(address(anna)))
    assert 'name="is_superuser"' not in page
    assert "Reset password" in page
    assert "pbkdf2" in page


def test_an_operator_gives_nothing_that_he_does_not_hold(olga: Client, anna: User) -> None:
    erasing = Group.objects.create(name="erasing")
    erasing.permissions.add(permission(ERASE))
    before = all_of(anna)

    for fields in ({"groups": [erasing.pk]}, {"user_permissions": [permission(ERASE).pk]}):
        for user in (anna, User.objects.get(username="olga")):
            answer = save(olga, user, **fields)
            assert answer.status_code == 200
            assert "is not one of the available choices" in text_of(answer)

    page = text_of(olga.get(address(anna)))
    assert "Can release" in page
    assert "Can erase" not in page
    assert "erasing" not in page
    assert all_of(anna) == before
    assert not User.objects.get(username="olga").has_perm(f"projects.{ERASE}")


@pytest.mark.parametrize("is_active", [True, False])
@pytest.mark.parametrize("holds", ["all", "by itself", "by a group"])
def test_an_operator_reads_an_account_that_holds_more_and_changes_nothing(
    olga: Client, anna: User, holds: str, *, is_active: bool
) -> None:
    if holds == "all":
        anna.is_superuser = True
    elif holds == "by itself":
        anna.user_permissions.add(permission(ERASE))
    else:
        erasing = Group.objects.create(name="erasing")
        erasing.permissions.add(permission(ERASE))
        anna.groups.add(erasing)
    anna.is_active = is_active
    anna.save()
    before = all_of(anna)
    passwords = {"usable_password": "true"} | dict.fromkeys(
        ("password1", "password2"), "Taken 1 over"
    )

    page = olga.get(address(anna))
    assert page.status_code == 200
    assert "Reset password" not in text_of(page)
    assert "pbkdf2" not in text_of(page)
    assert save(olga, anna, email="olga@example.com").status_code == 403
    assert olga.post(address(anna, "delete"), {"post": "yes"}).status_code == 403
    password_page = f"{address(anna).removesuffix('change/')}password/"
    assert olga.get(password_page).status_code == 403
    assert olga.post(password_page, passwords).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [anna.pk], "post": "yes"}
    assert olga.post(address(User, "changelist"), chosen).status_code == 403

    assert all_of(anna) == before


def test_an_operator_makes_and_changes_groups_within_his_own(olga: Client) -> None:
    held, lacked = permission("view_project"), permission(ERASE)
    erasing = Group.objects.create(name="erasing")
    erasing.permissions.add(lacked)

    refused = olga.post(address(Group, "add"), {"name": "more", "permissions": [lacked.pk]})
    made = olga.post(address(Group, "add"), {"name": "readers", "permissions": [held.pk]})
    changed = olga.post(address(erasing), {"name": "erasing", "permissions": []})
    deleted = olga.post(address(erasing, "delete"), {"post": "yes"})

    assert (refused.status_code, made.status_code) == (200, 302)
    assert (changed.status_code, deleted.status_code) == (403, 403)
    chosen = {"action": "delete_selected", "_selected_action": [erasing.pk], "post": "yes"}
    assert olga.post(address(Group, "changelist"), chosen).status_code == 403
    assert not Group.objects.filter(name="more").exists()
    assert list(Group.objects.get(name="readers").permissions.all()) == [held]
    assert list(Group.objects.get(name="erasing").permissions.all()) == [lacked]
    readers = Group.objects.get(name="readers")
    assert olga.post(address(readers), {"name": "read", "permissions": []}).status_code == 302
    assert olga.post(address(readers, "delete"), {"post": "yes"}).status_code == 302
    assert not Group.objects.filter(pk=readers.pk).exists()


def test_a_superuser_gives_everything(anna: User, db: None) -> None:
    root = client_of(User.objects.create_superuser("root"))

    saved = save(root, anna, is_superuser="on", user_permissions=[permission(ERASE).pk])

    assert saved.status_code == 302
    now = all_of(anna)
    assert now["is_superuser"]
    assert now["permissions"] == {ERASE}
    assert root.post(address(anna, "delete"), {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=anna.pk).exists()


def test_a_page_that_was_opened_before_gives_nothing_back(olga: Client, anna: User) -> None:
    anna.groups.add(Group.objects.get(name="operators"))
    anna.user_permissions.add(permission("release_movespecversion"))
    opened = shown_on(olga, anna)
    assert "pbkdf2" not in str(opened)
    anna.groups.clear()
    anna.user_permissions.clear()
    User.objects.filter(pk=anna.pk).update(is_active=False, is_staff=False, email="anna@acme.com")
    before = all_of(anna)

    assert olga.post(address(anna), opened | {"first_name": "Anna"}).status_code == 302

    assert all_of(anna) == before | {"first_name": "Anna"}


@pytest.mark.parametrize(
    ("meanwhile", "now"), [([], "nothing"), (["operators", "support"], "operators, support")]
)
def test_groups_that_two_have_changed_are_a_complaint(
    olga: Client, anna: User, meanwhile: list[str], now: str
) -> None:
    opened = shown_on(olga, anna)
    anna.groups.set(Group.objects.filter(name__in=meanwhile))
    chosen = Group.objects.get(name="release managers")

    with nothing_changes():
        answer = olga.post(address(anna), opened | {"groups": [chosen.pk], "first_name": "Anna"})

    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {
        "groups": [f"It was changed meanwhile to {now}: open this page anew."]
    }
