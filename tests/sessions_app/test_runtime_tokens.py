"""The runtime token of a create, as a stranger verifies it, and after an upgrade, to the byte."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cryptography.fernet import Fernet
from joserfc import jwt
from joserfc.jwk import KeySet

from kynaplatform import clock
from kynaplatform.api.errors import IdempotencyKeyReused
from kynaplatform.api.idempotency import Fingerprints
from movespecs.models import MoveSpec
from projects.models import SigningKey
from projects.signing import key_ring
from sessions_app import admission
from sessions_app.models import DetectionSession, Mode
from sessions_app.runtime_tokens import AdmittedSession, runtime_token
from sessions_app.schemas import SessionCreate
from tests.api.api_requests import ask, refused
from tests.conftest import SESSIONS, Machine

NOW = datetime(2026, 5, 6, 7, 8, 9, 750_000, tzinfo=UTC)
KEY_ID = UUID("00000000-0000-4000-8000-000000000001")
# The public half of the private key of 32 bytes 0x07.
PUBLIC_KEY = bytes.fromhex("ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c")
SESSION = AdmittedSession(
    project_id=UUID("00000000-0000-4000-8000-000000000002"),
    id=UUID("00000000-0000-4000-8000-000000000003"),
    resolved_version_id=UUID("00000000-0000-4000-8000-000000000004"),
    mode="live",
    contract_major=1,
    created_at=NOW,
    signing_key_id=KEY_ID,
    runtime_token_expires_at=NOW + timedelta(seconds=3900),
    stream_url="wss://kyna.example/api/detection/stream/00000000-0000-4000-8000-000000000003",
    request_fingerprint=None,
)
ORGANIZATION_ID = UUID("00000000-0000-4000-8000-000000000005")
TOKEN = (
    "eyJhbGciOiJFZERTQSIsInR5cCI6Imt5bmEtcnVudGltZStqd3QiLCJraWQiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEifQ."
    "eyJpc3MiOiJreW5hcGxhdGZvcm0iLCJhdWQiOiJreW5hLXJ1bnRpbWUiLCJzdWIiOiIwMDAwMDAwMC0w"
    "MDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDMiLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0w"
    "MDAwMDAwMDAwMDMiLCJpYXQiOjE3NzgwNTEyODksIm5iZiI6MTc3ODA1MTI4OSwiZXhwIjoxNzc4MDU1"
    "MTg5LCJvcmdhbml6YXRpb25faWQiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDUi"
    "LCJwcm9qZWN0X2lkIjoiMDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAyIiwibW92ZXNw"
    "ZWNfdmVyc2lvbl9pZCI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwNCIsIm1vZGUi"
    "OiJsaXZlIiwiY29udHJhY3RfbWFqb3IiOjEsImlucHV0X3NjaGVtYV92ZXJzaW9uIjoibWVkaWFwaXBl"
    "X3Bvc2VfbGFuZG1hcmtlci92MSIsIm91dHB1dF9zY2hlbWFfdmVyc2lvbiI6Imt5bmFzbWl0aF9kZXRl"
    "Y3Rpb25fZXZlbnRzL3YxIn0"
    ".sPtEZE9nMtJ7SR9gAFv8rq0VNfMFkFmnDIadMBMqHAxfn_HCNi7HISqlvlfauvCmmWqa4usoDAlK008zeL8pDg"
)


@pytest.mark.django_db
def test_a_known_session_has_exactly_this_token(settings: Any) -> None:
    """Replays are signed again: neither the order of claims nor the library may change."""
    secret = Fernet.generate_key()
    settings.SIGNING_KEY_SECRETS = [secret.decode()]
    SigningKey.objects.create(
        id=KEY_ID,
        public_key=PUBLIC_KEY,
        encrypted_private_key=Fernet(secret).encrypt(bytes([7]) * 32),
        created_at=NOW,
        signs_from=NOW,
    )
    key_ring().forget()
    try:
        assert runtime_token(SESSION, ORGANIZATION_ID, NOW) == TOKEN
    finally:
        key_ring().forget()


def test_a_known_request_has_exactly_this_fingerprint() -> None:
    create = SessionCreate(
        project_id=SESSION.project_id,
        mode=Mode.LIVE,
        movespec_id=UUID("00000000-0000-4000-8000-000000000006"),
    )
    hashed = (
        b'["live","00000000-0000-4000-8000-000000000002",1,'
        b'"00000000-0000-4000-8000-000000000006",null]'
    )
    fingerprint = admission.FINGERPRINTS.of(msgspec.structs.asdict(create))
    assert fingerprint == hashlib.sha256(hashed).digest()


def test_a_days_replays_outlive_an_upgrade_that_adds_a_field(
    owner: Machine, movespec: MoveSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = owner.create_session(movespec, idempotency_key="k")
    asked = ("mode", "project_id", "contract_major", "movespec_id", "movespec_version_id")
    fields = (*asked, "parameters", "subject", "metadata", "locale")
    newest = (*fields, "movement", "target", "landmarker")
    said: dict[str, str | None] = {"label": None}

    class Upgraded(Fingerprints):
        def of(self, request: Mapping[str, object]) -> bytes:
            return super().of({**request, **said})

        def is_of(self, stored: bytes, request: Mapping[str, object]) -> bool:
            return super().is_of(stored, {**request, **said})

    upgraded = Upgraded(asked, fields, newest, (*newest, "label"))
    monkeypatch.setattr(admission, "FINGERPRINTS", upgraded)
    again = owner.create_session(movespec, idempotency_key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    said["label"] = "x"
    newer = owner.create_session(movespec, idempotency_key="after")
    assert bytes(DetectionSession.objects.latest("created_at").request_fingerprint or b"")[0] == 4
    assert owner.create_session(movespec, idempotency_key="after").json() == (newer.json())
    # The upgrade is rolled back: neither a second session nor a refusal for good.
    monkeypatch.undo()
    refused = owner.create_session(movespec, idempotency_key="after")
    assert refused.status_code == 503
    assert owner.create_session(movespec, idempotency_key="k").content == first.content
    assert DetectionSession.objects.count() == 2
    other = owner.create_session(movespec, idempotency_key="k", mode="replay")
    assert (other.status_code, other.json()["error"]["code"]) == (422, IdempotencyKeyReused.code)


# As a stranger to our code verifies it

CREATED_AT = datetime(2100, 5, 6, 7, 8, 9, 750_000, tzinfo=UTC)


@pytest.fixture
def created(owner, movespec, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda *_: CREATED_AT)
    owner.token = owner.token_with("sessions:write")
    return owner.create_session(movespec, mode="replay").json()


def test_a_jwt_library_verifies_it_through_the_key_set(created):
    keys = KeySet.import_key_set(ask("GET", "/.well-known/jwks.json").json())
    token = jwt.decode(created["runtime_token"], keys, algorithms=["EdDSA"])
    rules = jwt.JWTClaimsRegistry(
        now=int(CREATED_AT.timestamp()),
        aud={"essential": True, "value": "kyna-runtime"},
        iss={"essential": True, "value": "kynaplatform"},
        exp={"essential": True},
    )
    rules.validate(token.claims)
    assert token.claims["sub"] == str(DetectionSession.objects.get().id)


def test_it_is_no_access_token(created):
    refused(ask("GET", SESSIONS, token=created["runtime_token"]), 401, "access_token_invalid")
