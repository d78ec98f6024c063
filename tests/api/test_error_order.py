"""When several errors apply: each step mends the error told before, and the next is told

The contract's order: 404 or 405 by route; 401; suspended; 429; insufficient_scope; 415, 413, 400;
the idempotency key's form; 422; project_mismatch; contract_version_unsupported; replay or reuse
of the key; 404 of something referred to; 409.
"""

import json
import uuid

import pytest
from django.utils import timezone

from projects.models import Organization, Project
from tests.api.api_requests import ask, fresh_address, nothing_changes
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, make_released
from tests.movespecs.writing import archive, make_movespec


class Faulty:
    """A request in which everything is wrong, to be mended one fault at a time."""

    def __init__(self, path, body, token):
        self.method, self.path, self.body, self.token = "DELETE", path, body, token
        self.raw = b"{" + b" " * 600_000
        self.content_type = "text/plain"
        self.key = "a key"
        self.address = fresh_address()

    def told(self):
        with nothing_changes():
            response = ask(
                self.method,
                self.path,
                self.raw if self.raw is not None else json.dumps(self.body).encode(),
                token=self.token,
                content_type=self.content_type,
                idempotency_key=self.key,
                address=self.address,
            )
        return response.json()["error"]["code"]


def suspend(row):
    row.suspended_at = timezone.now()
    row.save(update_fields=["suspended_at"])


def unsuspend(model):
    model.objects.update(suspended_at=None)


def test_creating_a_session(owner, peer, settings):
    archived = make_movespec(owner.project)
    archive(archived)
    movespec, _ = make_released(owner.project)
    assert owner.create_session(movespec, idempotency_key="used").status_code == 201
    settings.RATE_LIMIT_PROJECT = 0
    suspend(owner.project)
    suspend(owner.organization)
    body = {
        "mode": "film",
        "project_id": str(peer.project.id),
        "contract_major": 2,
        "movespec_id": str(uuid.uuid4()),
        "movespec_version_id": None,
    }
    request = Faulty(f"{SESSIONS}x", body, "garbage")
    assert request.told() == "not_found"
    request.path = SESSIONS
    assert request.told() == "method_not_allowed"
    request.method = "POST"
    assert request.told() == "access_token_invalid"
    request.token = owner.token_with("sessions:read")
    assert request.told() == "organization_suspended"
    unsuspend(Organization)
    assert request.told() == "project_suspended"
    unsuspend(Project)
    assert request.told() == "rate_limited"
    settings.RATE_LIMIT_PROJECT = 1_000
    assert request.told() == "insufficient_scope"
    request.token = owner.token
    assert request.told() == "unsupported_media_type"
    request.content_type = "application/json"
    assert request.told() == "payload_too_large"
    request.raw = b"{"
    assert request.told() == "malformed_request"
    request.raw = None
    assert request.told() == "idempotency_key_invalid"
    request.key = "used"
    assert request.told() == "validation_error"
    body["mode"], body["movespec_id"] = "live", None
    assert request.told() == "validation_error"  # no reference at all
    body["movespec_id"] = str(uuid.uuid4())
    assert request.told() == "project_mismatch"
    body["project_id"] = str(owner.project.id)
    assert request.told() == "contract_version_unsupported"
    body["contract_major"] = 1
    assert request.told() == "idempotency_key_reused"
    request.key = "free"
    assert request.told() == "not_found"
    body["movespec_id"] = str(archived.id)
    assert request.told() == "movespec_archived"


def test_forking(owner, peer, public_movespec, settings):
    unreleased = make_movespec(owner.project)
    path = f"{MOVESPECS}/{public_movespec.id}/fork"
    used = {"project_id": str(owner.project.id)}
    assert owner.post(path, used, idempotency_key="used").status_code == 201
    settings.RATE_LIMIT_MOVESPECS = 0
    body = {"project_id": str(peer.project.id), "name": ""}
    request = Faulty(f"{MOVESPECS}/{uuid.uuid4()}/fork", body, None)
    assert request.told() == "method_not_allowed"
    request.method = "POST"
    assert request.told() == "access_token_missing"
    request.token = owner.token_with("movespecs:read")
    assert request.told() == "rate_limited"
    settings.RATE_LIMIT_MOVESPECS = 1_000
    assert request.told() == "insufficient_scope"
    request.token = owner.token
    assert request.told() == "unsupported_media_type"
    request.content_type = "application/json"
    assert request.told() == "payload_too_large"
    request.raw = b"[1"
    assert request.told() == "malformed_request"
    request.raw = None
    assert request.told() == "idempotency_key_invalid"
    request.key = "used"
    assert request.told() == "validation_error"
    body["name"] = "mine"
    assert request.told() == "project_mismatch"
    body["project_id"] = str(owner.project.id)
    assert request.told() == "idempotency_key_reused"
    request.key = "free"
    assert request.told() == "not_found"
    request.path = f"{MOVESPECS}/{unreleased.id}/fork"
    assert request.told() == "movespec_not_released"


def test_putting_a_draft(owner, movespec):
    """The size of the text is the body's fault: it comes before the resource."""
    archive(movespec)
    body = {"yaml_source": "x" * 65_537}
    request = Faulty(f"{MOVESPECS}/{uuid.uuid4()}/draft", body, owner.token)
    request.method, request.content_type, request.raw = "PUT", "application/json", None
    assert request.told() == "validation_error"
    body["yaml_source"] = "x"
    assert request.told() == "not_found"
    request.path = f"{MOVESPECS}/{movespec.id}/draft"
    assert request.told() == "movespec_archived"


def test_minting(owner, peer, settings):
    suspend(owner.project)
    body = {
        "api_key_id": str(owner.credential.id),
        "api_key_secret": "wrong",
        "api_key": "x",
        "project_id": str(peer.project.id),
        "scopes": ["usage:read"],
    }
    owner.credential.scopes = ["sessions:read"]
    owner.credential.save(update_fields=["scopes"])
    request = Faulty(TOKENS, body, "garbage")
    assert request.told() == "method_not_allowed"
    request.method = "POST"
    assert request.told() == "unsupported_media_type"
    request.content_type = "application/json"
    assert request.told() == "payload_too_large"
    request.raw = b"nul"
    assert request.told() == "malformed_request"
    request.raw = None
    assert request.told() == "idempotency_key_invalid"
    request.key = "k"
    assert request.told() == "validation_error"
    del body["api_key"]
    assert request.told() == "api_key_invalid"
    body["api_key_secret"] = owner.secret
    assert request.told() == "project_suspended"
    unsuspend(Project)
    assert request.told() == "insufficient_scope"
    body["scopes"] = ["sessions:read"]
    assert request.told() == "project_mismatch"


@pytest.mark.parametrize("path", [f"{SESSIONS}/x", f"{TOKENS}/x", f"{MOVESPECS}/x/draft"])
def test_a_malformed_id_is_looked_at_after_the_caller(owner, settings, path):
    narrow = owner.token_with("usage:read")
    with nothing_changes():
        told = [ask("GET", path, token=token).json()["error"]["code"] for token in (None, "x")]
        told.append(ask("GET", path, token=narrow).json()["error"]["code"])
        told.append(owner.get(path).json()["error"]["code"])
    assert told == [
        "access_token_missing",
        "access_token_invalid",
        "insufficient_scope",
        "not_found",
    ]


def test_a_bad_query_comes_before_a_resource_that_is_not_there(owner):
    with nothing_changes():
        response = owner.get(f"{MOVESPECS}/{uuid.uuid4()}/versions?limit=0")
    assert response.json()["error"]["code"] == "validation_error"
