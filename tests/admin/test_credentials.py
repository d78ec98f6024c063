"""The admin's pages of credentials: revoked, found, and looked at."""

import base64
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from projects.credentials import credential_issue, credential_revoke
from projects.models import ApiKey, Credential, CredentialKind, ServiceAccount, SigningKey
from staff.display import full_name
from tests.admin.credential_pages import (
    histories,
    issue,
    issue_page,
    key,
    mint_with,
    rotate,
)
from tests.admin.staffing import address, member, text_of
from tests.api.api_requests import nothing_changes, refused
from tests.conftest import MOVESPECS, Machine


def test_revoking_refuses_the_key_and_its_tokens_at_once_and_leaves_sessions(
    operator: Client, owner: Machine, movespec: Any
) -> None:
    session = owner.create_session(movespec).json()["session_id"]

    answer = operator.post(address(key(owner), "revoke"), {"reason": "Leaked"})

    assert (answer.status_code, answer["Location"]) == (302, address(key(owner)))
    refused(mint_with(owner.secret), 401, "api_key_invalid")
    refused(owner.get(MOVESPECS), 401, "access_token_invalid")
    assert owner.project.sessions.get(id=session).status == "created"
    assert histories(key(owner)) == [f"Revoked {full_name(owner.credential)}.\nReason: Leaked"]


def test_a_second_revocation_is_told_since_when_and_keeps_the_first(
    operator: Client, owner: Machine
) -> None:
    since = datetime.fromisoformat("2026-03-04T05:06:07Z")
    Credential.objects.filter(id=owner.credential.id).update(revoked_at=since)

    with nothing_changes():
        answer = operator.post(address(key(owner), "revoke"), {"reason": "Leaked"})

    assert answer.status_code == 409
    assert "It has been revoked since 2026-03-04 05:06 UTC." in text_of(answer)
    assert address(key(owner), "revoke") not in text_of(operator.get(address(key(owner))))


def test_many_are_revoked_from_the_list_after_a_confirmation(
    operator: Client, owner: Machine, peer: Machine, outsider: Machine
) -> None:
    credential_revoke(credential=peer.credential, now=timezone.now())
    Credential.objects.update(last_used_at=None)
    chosen = [str(one.credential.id) for one in (owner, peer, outsider)]
    data = {"action": "revoke", "_selected_action": chosen}
    page = address(ApiKey, "changelist")

    with nothing_changes():
        asked = operator.post(page, data)
    assert asked.context["effects"] == [
        "No access token can be minted any more, and those that were are refused at once.",
        "Sessions that were made go on.",
        "This can't be undone.",
        "Never used until now.",
    ]
    done = operator.post(page, data | {"confirmed": "yes", "reason": "Leaked"}, follow=True)

    assert "Revoked 2 of 3." in text_of(done)
    assert Credential.objects.filter(revoked_at__isnull=True).count() == 0
    assert histories(peer.credential) == []


def test_a_list_is_filtered_by_state_and_shows_it(operator: Client, owner: Machine) -> None:
    now = timezone.now()
    rows = {
        "soon": {"expires_at": now + timedelta(days=13)},
        "later": {"expires_at": now + timedelta(days=15)},
        "gone": {"expires_at": now},
        "out": {"revoked_at": now},
        "both": {"revoked_at": now, "expires_at": now},
    }
    for name, moments in rows.items():
        one, _ = credential_issue(project=owner.project, kind=CredentialKind.API_KEY, name=name)
        Credential.objects.filter(id=one.id).update(**moments)
    page = address(ApiKey, "changelist")

    def listed(state: str) -> set[str]:
        found = operator.get(page, {"state": state}).context["cl"].result_list
        return {row.name for row in found}

    assert listed("live") == {"owner's key", "soon", "later"}
    assert listed("expiring") == {"soon"}
    assert listed("expired") == {"gone"}
    assert listed("revoked") == {"out", "both"}
    assert listed("due") == {"soon", "gone"}
    assert operator.get(page, {"state": "nonsense"}).status_code == 400
    for name, state in (
        ("owner's key", "live"), ("later", "live"), ("soon", "expires soon"),
        ("gone", "expired"), ("out", "revoked"), ("both", "revoked"),
    ):  # fmt: skip
        shown = text_of(operator.get(address(ApiKey.objects.get(name=name))))
        assert re.search(rf'<span class="badge \w+">{state}</span>', shown)


@pytest.mark.parametrize(
    ("model", "role", "sees"),
    [(ApiKey, "support", 200), (ServiceAccount, "release managers", 403)],
)
def test_who_only_looks_issues_rotates_and_revokes_nothing(
    owner: Machine, model: Any, role: str, sees: int
) -> None:
    kind = CredentialKind.API_KEY if model is ApiKey else CredentialKind.SERVICE_ACCOUNT
    made, _ = credential_issue(project=owner.project, kind=kind, name="made")
    row = model.objects.get(id=made.id)
    client = member(role)
    assert client.get(address(row)).status_code == sees
    assert client.get(address(model, "changelist")).status_code == sees
    with nothing_changes():
        assert client.get(address(model, "add")).status_code == 403
        chosen_project = {"project": str(owner.project.id)}
        assert client.post(address(model, "add"), chosen_project).status_code == 403
        assert client.get(issue_page(owner, model)).status_code == 403
        assert issue_page(owner, model) not in text_of(client.get(address(owner.project)))
        assert issue(client, owner, model).status_code == 403
        assert client.get(address(row, "rotate")).status_code == 403
        assert rotate(client, row).status_code == 403
        assert client.post(address(row, "revoke"), {"reason": "x"}).status_code == 403
        chosen = {"action": "revoke", "_selected_action": [str(row.id)]}
        client.post(address(model, "changelist"), chosen | {"confirmed": "yes", "reason": "x"})


def test_each_kind_has_its_own_permissions(owner: Machine) -> None:
    from django.contrib.auth.models import Permission, User

    codenames = ["view_apikey", "change_apikey", "view_serviceaccount"]
    user = User.objects.create_user("keys", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    made, _ = credential_issue(
        project=owner.project, kind=CredentialKind.SERVICE_ACCOUNT, name="account"
    )
    account = ServiceAccount.objects.get(id=made.id)

    with nothing_changes():
        assert rotate(client, account).status_code == 403
        assert client.post(address(account, "revoke"), {"reason": "x"}).status_code == 403
    assert client.post(address(key(owner), "revoke"), {"reason": "x"}).status_code == 302


@pytest.mark.parametrize(
    ("role", "status"), [("operators", 200), ("support", 200), ("release managers", 403)]
)
def test_a_signing_key_is_shown_without_any_part_of_it(
    owner: Machine, role: str, status: int
) -> None:
    key = SigningKey.objects.get()
    private, public = bytes(key.encrypted_private_key or b""), bytes(key.public_key)
    hidden = [private.decode(), private.hex(), public.hex(), base64.b64encode(public).decode()]
    client = member(role)
    for page in (address(SigningKey, "changelist"), address(key)):
        answer = client.get(page)
        assert answer.status_code == status
        assert (str(key.id) in text_of(answer)) == (status == 200)
        assert not any(part in text_of(answer) for part in hidden)
    assert client.post(address(key), {}).status_code == 403
