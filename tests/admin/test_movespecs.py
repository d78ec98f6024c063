"""Staff find MoveSpecs, read their history, and moderate the public ones."""

import html
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from movespecs.models import PLATFORM, MoveSpec, MoveSpecDraft, MoveSpecVersion
from movespecs.releases import version_withdraw
from projects.models import ApiKey
from tests.admin.staffing import ROLES, address, client_of, member, text_of
from tests.api.api_requests import database_state
from tests.conftest import VALID_YAML, Machine, error_of, make_version


@pytest.fixture
def operator(db: None) -> Client:
    return member("operators", "olga")


def moderate(client: Client, movespec: MoveSpec, action: str, reason: str = "A complaint.") -> Any:
    return client.post(address(movespec, action), {"reason": reason}, follow=True)


def test_delisting_hides_a_public_movespec_from_others_at_once(
    operator: Client, owner: Machine, outsider: Machine, public_movespec: MoveSpec
) -> None:
    path = f"/api/movespecs/{public_movespec.id}"
    assert outsider.get(path).status_code == 200

    answer = moderate(operator, public_movespec, "delist")

    assert "Delisted Acme / owner / Public squat." in text_of(answer)
    assert error_of(outsider.get(path))["code"] == "not_found"
    assert owner.get(path).json()["visibility"] == "private"
    entry = LogEntry.objects.get()
    assert (
        entry.get_change_message() == "Delisted Acme / owner / Public squat.\nReason: A complaint."
    )
    assert "A complaint." in text_of(operator.get(address(public_movespec, "history")))

    answer = moderate(operator, public_movespec, "relist", "It was answered.")

    assert "Relisted Acme / owner / Public squat." in text_of(answer)
    assert outsider.get(path).status_code == 200


def test_only_what_is_listed_is_delisted_and_only_what_is_delisted_relisted(
    operator: Client, movespec: MoveSpec, public_movespec: MoveSpec
) -> None:
    """The pages that another member of staff left open a while ago."""
    moderate(operator, public_movespec, "delist")
    before = MoveSpec.objects.order_by("id").values()
    kept = list(before)
    entries = LogEntry.objects.count()
    for row, action, sentence in (
        (movespec, "delist", "Only a public MoveSpec that is listed can be delisted"),
        (public_movespec, "delist", "Only a public MoveSpec that is listed can be delisted"),
        (movespec, "relist", "The MoveSpec is not delisted any more."),
    ):
        assert address(row, action) not in text_of(operator.get(address(row)))
        answer = moderate(operator, row, action)
        assert answer.status_code == 409
        assert sentence in text_of(answer)
    assert list(before.all()) == kept
    assert LogEntry.objects.count() == entries


@pytest.mark.parametrize("role", ["support", "release managers"])
def test_only_operators_moderate(public_movespec: MoveSpec, role: str) -> None:
    client = member(role)
    assert address(public_movespec, "delist") not in text_of(client.get(address(public_movespec)))
    before = database_state()
    assert moderate(client, public_movespec, "delist").status_code == 403
    page = address(MoveSpec, "changelist")
    chosen = {"action": "delist", "_selected_action": [str(public_movespec.id)]}
    client.post(page, {**chosen, "confirmed": "yes", "reason": "x"})
    after = database_state()
    assert {name for name in after if after[name] != before[name]} <= {"django_session"}


def refused(statement: str, *parameters: Any) -> None:
    with (
        pytest.raises(DatabaseError, match="is immutable"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, parameters)


def test_the_database_refuses_to_change_who_withdrew_and_why(movespec: MoveSpec) -> None:
    table = MoveSpecVersion._meta.db_table
    first = movespec.versions.get()
    second = make_version(movespec.id, VALID_YAML + "# 2\n")
    version_withdraw(
        movespec_id=movespec.id,
        version_id=second.id,
        replacement_id=None,
        author=PLATFORM,
        now=timezone.now(),
        reason="A typo.",
    )
    # A reason without a withdrawal, another reason, and a withdrawal that is taken back.
    refused(f"UPDATE {table} SET withdrawal_reason = 'x' WHERE id = %s", first.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawal_reason = 'x' WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawn_at = NULL WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET withdrawn_at = now() WHERE id = %s", second.id)  # noqa: S608
    refused(f"UPDATE {table} SET yaml_source = '' WHERE id = %s", first.id)  # noqa: S608
    refused(f"DELETE FROM {table} WHERE id = %s", first.id)  # noqa: S608
    refused("UPDATE movespecs_release SET reason = 'x'")
    refused("DELETE FROM movespecs_release")
    second.refresh_from_db()
    assert second.withdrawal_reason == "A typo."


def test_whoever_may_view_drafts_reads_one_from_the_page_of_its_movespec(
    owner: Machine, movespec: MoveSpec
) -> None:
    draft, author = MoveSpecDraft.objects.get(movespec=movespec), address(ApiKey.objects.get())
    MoveSpecDraft.objects.update(yaml_source="name: <b>\u202ex\n", updated_by=owner.credential.pk)
    for client in map(member, ROLES):
        assert f'<a href="{address(draft)}">Draft</a>' in text_of(client.get(address(movespec)))
        assert address(draft) in text_of(client.get(address(MoveSpecDraft, "changelist")))
        shown = text_of(client.get(address(draft)))
        assert "<code>name: &lt;b&gt;[U+202E]x</code>" in shown
        assert "<strong>Error</strong>" in shown
        assert html.escape(owner.credential.name) in shown
        assert (author in shown) == (client.get(author).status_code == 200)
        assert client.post(address(draft), {"yaml_source": ""}).status_code == 403
    other = User.objects.create_user("other", is_staff=True)
    other.user_permissions.add(Permission.objects.get(codename="view_movespec"))
    assert address(draft) not in text_of(client_of(other).get(address(movespec)))
    assert client_of(other).get(address(draft)).status_code == 403
