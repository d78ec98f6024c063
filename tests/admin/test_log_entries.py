"""The history of everything: found by customer, each entry with a link to what it is about."""

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client

from movespecs.models import MoveSpec
from projects.models import ApiKey, Organization, Project
from staff import log_entries
from staff.display import short_ids
from tests.admin.staffing import address, note_about, text_of
from tests.conftest import Machine

LOG = "/admin/admin/logentry/"


def note(row: Model, name: str = "As it was then", flag: int = CHANGE, by: str = "ulf") -> str:
    """An entry about a row; what was done is the key by which tests know it."""
    return note_about(row, f"Did {uuid4()}.", name=name, flag=flag, by=by).change_message


def found(client: Client, **asked: Any) -> list[str]:
    """What was done, of each entry that is listed."""
    response = client.get(LOG, asked)
    assert response.status_code == 200
    entries = response.context["cl"].result_list
    assert all(entry.change_message in text_of(response) for entry in entries)
    return [entry.change_message for entry in entries]


@pytest.fixture
def of_owner(owner: Machine, movespec: MoveSpec, outsider: Machine) -> list[str]:
    """Entries about all that the owner has, the newest first; and one about an outsider's key."""
    rows = [owner.organization, owner.project, ApiKey.objects.get(pk=owner.credential.pk),
            movespec, movespec.current_released_version]  # fmt: skip
    done = [note(row) for row in rows]
    note(ApiKey.objects.get(pk=outsider.credential.pk))
    return done[::-1]


def test_entries_are_found_by_the_customer_whatever_it_was_called_then(
    support: Client, owner: Machine, of_owner: list[str]
) -> None:
    assert found(support, q="acme") == of_owner
    assert found(support, q="Acme / owner") == of_owner[:-1]
    assert found(support, q=owner.organization.id) == of_owner
    assert found(support, q=owner.project.id) == of_owner[:-1]
    Organization.objects.filter(pk=owner.organization.pk).update(name="Renamed Fitness")
    assert found(support, q="renamed") == of_owner
    assert found(support, q="acme") == []
    assert found(support, q="nobody") == []


def test_a_name_that_is_no_more_is_found_by_what_the_newest_entries_say(
    support: Client, owner: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = note(owner.project, "Acme Labs / App")
    assert found(support, q="labs / app") == [then]
    monkeypatch.setattr(log_entries, "MAX_TEXTS", 3)
    for _ in range(2):
        note(owner.organization)
    assert found(support, q="labs") == [then]
    note(owner.organization)
    assert found(support, q="labs") == []


def test_entries_are_found_by_an_id_whole_or_short_and_by_who_it_was(
    support: Client, owner: Machine, of_owner: list[str]
) -> None:
    of_key = of_owner[2]
    key_id = str(owner.credential.id)
    for text in (key_id, key_id.upper(), key_id[:8], key_id.replace("-", "")[:20], f"({key_id})"):
        assert found(support, q=text) == [of_key]
    gone = Project(id=uuid4())
    then = note(gone, by="vera")
    assert found(support, q=gone.id) == found(support, q=str(gone.id)[:9]) == [then]
    assert found(support, q="Vera") == [then]


def test_what_an_act_wrote_is_found_by_the_customer_and_links_to_it(
    operator: Client, owner: Machine, outsider: Machine
) -> None:
    key = ApiKey.objects.get(pk=owner.credential.pk)
    operator.post(address(key, "revoke"), {"reason": "It leaked."})
    response = operator.get(LOG, {"q": "acme"})
    (entry,) = response.context["cl"].result_list
    page = text_of(response)
    assert f'<a href="{address(key)}">{short_ids(entry.object_repr)}</a>' in page
    assert entry.object_repr.startswith("Acme / owner / owner's key (")
    assert found(operator, q="outsider") == []


def test_an_entry_of_a_deletion_has_no_link(support: Client, owner: Machine) -> None:
    note(owner.project, "About it", flag=DELETION)
    assert '<span class="quiet">project</span> About it' in text_of(support.get(LOG))


def test_it_is_filtered_by_what_was_done(support: Client, owner: Machine) -> None:
    added = note(owner.project, flag=ADDITION)
    note(owner.project)
    assert found(support, action_flag__exact="1") == [added]


def test_who_may_not_view_the_log_sees_none_of_it(owner: Machine, of_owner: list[str]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("s", is_staff=True))
    assert client.get(LOG, {"q": "acme"}).status_code == 403
    assert client.get(address(LogEntry.objects.latest("pk"))).status_code == 403
    assert LogEntry.objects.count() == len(of_owner) + 1
