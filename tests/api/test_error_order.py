"""When several errors apply: each step mends the error told before, and the next is told

The contract's order: 404 or 405 by route; 401; suspended; 429; insufficient_scope; 415, 413, 400;
the idempotency key's form; 422; project_mismatch; contract_version_unsupported; replay or reuse
of the key; 404 of something referred to; 409.
"""

import json
import uuid
from functools import partial

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
        self.content_type, self.key = "text/plain", "a key"
        self.address = fresh_address()

    def told(self):
        raw = self.raw if self.raw is not None else json.dumps(self.body).encode()
        with nothing_changes():
            response = ask(
                self.method,
                self.path,
                raw,
                token=self.token,
                content_type=self.content_type,
                idempotency_key=self.key,
                address=self.address,
            )
        return response.json()["error"]["code"]

    def tells(self, *steps):
        """Each step sets something, by its name or by a call, and tells the next code."""
        for name, value, code in steps:
            if callable(name):
                name(value)
            elif name in self.body:
                self.body[name] = value
            elif name:
                setattr(self, name, value)
            assert self.told() == code, (name, value)


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
    request.tells(
        ("", None, "not_found"),
        ("path", SESSIONS, "method_not_allowed"),
        ("method", "POST", "access_token_invalid"),
        ("token", owner.token_with("sessions:read"), "organization_suspended"),
        (unsuspend, Organization, "project_suspended"),
        (unsuspend, Project, "rate_limited"),
        (partial(setattr, settings, "RATE_LIMIT_PROJECT"), 1_000, "insufficient_scope"),
        ("token", owner.token, "unsupported_media_type"),
        ("content_type", "application/json", "payload_too_large"),
        ("raw", b"{", "malformed_request"),
        ("raw", None, "idempotency_key_invalid"),
        ("key", "used", "validation_error"),
        (body.update, {"mode": "live", "movespec_id": None}, "validation_error"),  # no reference
        ("movespec_id", str(uuid.uuid4()), "project_mismatch"),
        ("project_id", str(owner.project.id), "contract_version_unsupported"),
        ("contract_major", 1, "idempotency_key_reused"),
        ("key", "free", "not_found"),
        ("movespec_id", str(archived.id), "movespec_archived"),
    )


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
    request.tells(
        ("", None, "method_not_allowed"),
        ("method", "POST", "unsupported_media_type"),
        ("content_type", "application/json", "payload_too_large"),
        ("raw", b"nul", "malformed_request"),
        ("raw", None, "idempotency_key_invalid"),
        ("key", "k", "validation_error"),
        (body.pop, "api_key", "api_key_invalid"),
        ("api_key_secret", owner.secret, "project_suspended"),
        (unsuspend, Project, "insufficient_scope"),
        ("scopes", ["sessions:read"], "project_mismatch"),
    )


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
