"""What was typed on a page that answered with an error is there, and is saved, the next time."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.admin.staffing import address, sent_by, shown_on


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
