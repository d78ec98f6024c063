"""Credentials issued and rotated through the pages of the admin."""

import re
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client

from projects.models import ApiKey, Credential, Scope, ServiceAccount
from tests.admin.staffing import address, text_of
from tests.conftest import TOKENS, Machine

SECRET = re.compile(r"kyna_s[ka]_[0-9a-f]{32}_[A-Za-z0-9_-]{43}")
KINDS = pytest.mark.parametrize("model", [ApiKey, ServiceAccount])


def wanted(**given: Any) -> dict[str, Any]:
    return {
        "name": "Gateway",
        "scopes": list(Scope.values),
        "expires_at": "",
        "chosen_id": str(uuid.uuid4()),
        **given,
    }


def issue(client: Client, owner: Machine, model: Any = ApiKey, **given: Any) -> Any:
    return client.post(issue_page(owner, model), wanted(**given))


def issue_page(owner: Machine, model: Any = ApiKey) -> str:
    return address(owner.project, "issue-api-key" if model is ApiKey else "issue-service-account")


def seen(credential: Credential) -> str:
    """What the hidden field of the page holds."""
    expires_at = Credential.objects.get(id=credential.id).expires_at
    return "" if expires_at is None else f"{expires_at:%Y-%m-%d %H:%M:%S.%f}"


def rotate(client: Client, row: Credential, **given: Any) -> Any:
    data = {"overlap": "24", "reason": "Leaked", "expires_at": "", "seen_expires_at": seen(row)}
    return client.post(address(row, "rotate"), data | given)


def key(machine: Machine) -> ApiKey:
    return ApiKey.objects.get(id=machine.credential.id)


def secret_of(response: Any) -> str:
    """The secret that a page shows, which it does once."""
    assert response.status_code == 200
    (secret,) = SECRET.findall(text_of(response))
    return str(secret)


def mint_with(secret: str) -> Any:
    return Client().post(TOKENS, {"api_key": secret}, content_type="application/json")


def histories(row: Model) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(row.pk)).order_by("id")
    return [entry.get_change_message() for entry in entries]
