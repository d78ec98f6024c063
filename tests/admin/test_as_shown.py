"""What was typed on a page that answered with an error is there, and is saved, the next time."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.admin.staffing import address, sent_by, shown_on
from tests.api.api_requests import nothing_changes


@pytest.fixture
def anna(db: None) -> User:
    return User.objects.create_user("anna", is_staff=True)


@pytest.fixture
def support(db: None) -> Group:
    return Group.objects.get(name="support")


def test_groups_of_an_account_that_had_none(superuser: Client, anna: User, support: Group) -> None:
    typed = shown_on(superuser, anna) | {"groups": [support.pk], "email": "none"}
    refused = superuser.post(address(anna), typed)
    assert refused.status_code == 200
    mended = sent_by(refused) | {"email": "anna@example.com"}
    assert superuser.post(address(anna), mended).status_code == 302
    assert list(anna.groups.all()) == [support]


def test_a_moment_that_has_two_fields(superuser: Client, anna: User) -> None:
    typed = shown_on(superuser, anna) | {"date_joined_0": "2020-01-01", "email": "none"}
    refused = superuser.post(address(anna), typed)
    assert refused.status_code == 200
    mended = sent_by(refused) | {"email": "anna@example.com"}
    assert superuser.post(address(anna), mended).status_code == 302
    anna.refresh_from_db()
    assert anna.date_joined.year == 2020


def test_permissions_of_a_group_that_is_being_made(superuser: Client) -> None:
    one = Permission.objects.get(codename="view_project")
    typed = sent_by(superuser.get(address(Group, "add")))
    typed |= {"name": "support", "permissions": [one.pk]}
    taken = superuser.post(address(Group, "add"), typed)
    assert taken.status_code == 200
    again = superuser.post(address(Group, "add"), sent_by(taken) | {"name": "readers"})
    assert again.status_code == 302
    assert list(Group.objects.get(name="readers").permissions.all()) == [one]


def test_what_a_colleague_changed_too_is_refused_each_time(
    superuser: Client, anna: User, support: Group
) -> None:
    page = shown_on(superuser, anna) | {"groups": [support.pk]}
    anna.groups.add(Group.objects.get(name="operators"))
    for _ in range(2):
        with nothing_changes():
            answer = superuser.post(address(anna), page)
        assert answer.status_code == 200
        page = sent_by(answer)
