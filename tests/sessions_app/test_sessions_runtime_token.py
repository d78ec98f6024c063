"""The runtime token of a create, as a stranger to our code verifies it"""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jwt
from joserfc.jwk import KeySet

from kynaplatform import clock
from projects.models import SigningKey
from sessions_app.models import DetectionSession
from tests.api.api_requests import ask, refused
from tests.conftest import SESSIONS

NOW = datetime(2100, 5, 6, 7, 8, 9, 750_000, tzinfo=UTC)


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.fixture
def created(owner, movespec, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: NOW)
    owner.token = owner.token_with("sessions:write")
    return owner.create_session(movespec, mode="replay").json()


@pytest.fixture
def key_set():
    return lambda: ask("GET", "/.well-known/jwks.json").json()


def test_its_header_and_claims_are_exactly_the_contracts(owner, movespec, created):
    header, claims, _ = created["runtime_token"].split(".")
    assert json.loads(decode(header)) == {
        "alg": "EdDSA",
        "typ": "kyna-runtime+jwt",
        "kid": str(SigningKey.objects.get().id),
    }
    issued_at = int(NOW.timestamp())
    assert json.loads(decode(claims)) == {
        "iss": "kynaplatform",
        "aud": "kyna-runtime",
        "sub": created["session_id"],
        "jti": created["session_id"],
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + 300 + 3600,
        "organization_id": str(owner.organization.id),
        "project_id": str(owner.project.id),
        "movespec_version_id": str(movespec.current_released_version_id),
        "mode": "replay",
        "contract_major": 1,
        "input_schema_version": "mediapipe_pose_landmarker/v1",
        "output_schema_version": "kynasmith_detection_events/v1",
    }


def test_its_signature_verifies_with_the_published_key_alone(created, key_set):
    signed, _, signature = created["runtime_token"].rpartition(".")
    [key] = key_set()["keys"]
    public = Ed25519PublicKey.from_public_bytes(decode(key["x"]))
    public.verify(decode(signature), signed.encode())
    with pytest.raises(InvalidSignature):
        public.verify(decode(signature), signed.encode() + b"x")


def test_a_jwt_library_verifies_it_through_the_key_set(created, key_set):
    keys = KeySet.import_key_set(key_set())
    token = jwt.decode(created["runtime_token"], keys, algorithms=["EdDSA"])
    rules = jwt.JWTClaimsRegistry(
        now=int(NOW.timestamp()),
        aud={"essential": True, "value": "kyna-runtime"},
        iss={"essential": True, "value": "kynaplatform"},
        exp={"essential": True},
    )
    rules.validate(token.claims)
    assert token.claims["sub"] == str(DetectionSession.objects.get().id)


def test_it_is_no_access_token(created):
    refused(ask("GET", SESSIONS, token=created["runtime_token"]), 401, "access_token_invalid")
