"""A replay is the first answer again, byte for byte, whatever has happened since."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.http import HttpResponse
from joserfc import jws
from joserfc.jwk import OKPKey

from kynaplatform import clock as platform_clock
from movespecs.models import PLATFORM, MoveSpec
from movespecs.releases import version_release
from projects.credentials import credential_issue
from projects.models import CredentialKind, SigningKey
from projects.signing import key_ring, prune_signing_keys, signing_key_rotate
from sessions_app.models import DetectionSession
from sessions_app.retention import forget_idempotency_keys
from sessions_app.session_sweep import expire_sessions
from tests.conftest import (
    MOVESPECS,
    SESSIONS,
    VALID_YAML,
    Machine,
    error_of,
    make_version,
    mint,
)

pytestmark = pytest.mark.django_db


class Clock:
    """`clock.now`, standing still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)

    def __call__(self, _: float = 0) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Scene:
    """A machine that created a session with a key, and the clock."""

    machine: Machine
    movespec: MoveSpec
    clock: Clock
    settings: Any
    first: HttpResponse

    def create(self, key: str = "k") -> HttpResponse:
        # The first token expires as the clock moves.
        self.machine.token = mint(self.machine.credential)
        return self.machine.create_session(self.movespec, idempotency_key=key)

    def create_another(self) -> HttpResponse:
        self.machine.token = mint(self.machine.credential)
        return self.machine.create_session(self.movespec)

    @property
    def session_id(self) -> str:
        return str(self.first.json()["session_id"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(platform_clock, "now", moved)
    return moved


@pytest.fixture
def scene(clock: Clock, owner: Machine, movespec: MoveSpec, settings: Any) -> Scene:
    first = owner.create_session(movespec, idempotency_key="k")
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    return Scene(owner, movespec, clock, settings, first)


def a_newer_release(scene: Scene) -> None:
    version = make_version(scene.movespec.id, VALID_YAML.replace("160", "150"))
    version_release(
        movespec_id=scene.movespec.id, version_id=version.id, author=PLATFORM, now=scene.clock.now
    )
    fresh = scene.create_another().json()
    assert fresh["resolved_movespec_version_id"] == str(version.id)


def a_rotated_api_key(scene: Scene) -> None:
    old, machine = scene.machine.credential, scene.machine
    machine.credential, machine.secret = credential_issue(
        project=machine.project, kind=CredentialKind.API_KEY, name="the next key"
    )
    old.revoked_at = scene.clock.now
    old.save(update_fields=["revoked_at"])
    assert error_of(machine.create_session(scene.movespec))["code"] == "access_token_invalid"


def a_rotated_signing_key(scene: Scene) -> None:
    key, is_new = signing_key_rotate(now=scene.clock.now)
    assert is_new
    scene.clock.move(minutes=6)
    assert key_ring().active(scene.clock.now).id == key.id
    fresh = scene.create_another().json()["runtime_token"]
    assert jws.extract_compact(fresh.encode()).headers()["kid"] == str(key.id)


def two_rotations_and_a_prune(scene: Scene) -> None:
    for _ in range(2):
        a_rotated_signing_key(scene)
        scene.clock.move(minutes=6)
        prune_signing_keys(now=scene.clock.now)
    assert SigningKey.objects.count() == 3


def a_rotated_signing_key_secret(scene: Scene) -> None:
    new = Fernet.generate_key().decode()
    scene.settings.SIGNING_KEY_SECRETS = [new, *scene.settings.SIGNING_KEY_SECRETS]
    key_ring().forget()


def expiry(scene: Scene) -> None:
    scene.clock.move(seconds=scene.settings.SESSION_ATTACH_SECONDS)
    assert expire_sessions(now=scene.clock.now) == 1


def a_cancel(scene: Scene) -> None:
    assert scene.machine.post(f"{SESSIONS}/{scene.session_id}/cancel").status_code == 200


def an_archived_movespec(scene: Scene) -> None:
    assert scene.machine.post(f"{MOVESPECS}/{scene.movespec.id}/archive").status_code == 200
    assert error_of(scene.create_another())["code"] == "movespec_archived"


def a_withdrawn_version(scene: Scene) -> None:
    version = scene.movespec.current_released_version
    assert version is not None
    version.withdrawn_at = scene.clock.now
    version.save(update_fields=["withdrawn_at"])
    assert error_of(scene.create_another())["code"] == "movespec_version_withdrawn"


def other_settings(scene: Scene) -> None:
    scene.settings.PUBLIC_STREAM_URL = "wss://elsewhere.example/stream"
    scene.settings.SESSION_ATTACH_SECONDS = 7
    scene.settings.SESSION_MAX_SECONDS = 77
    scene.settings.SESSION_IDLE_SECONDS = 17
    scene.settings.ACCESS_TOKEN_SECONDS = 777
    fresh = scene.create_another().json()
    assert fresh["stream_url"].startswith("wss://elsewhere.example/stream/")


def almost_a_day(scene: Scene) -> None:
    scene.clock.move(hours=24, minutes=59)
    assert forget_idempotency_keys(now=scene.clock.now) == 0
    prune_signing_keys(now=scene.clock.now)


EVENTS = [
    a_newer_release, a_rotated_api_key, two_rotations_and_a_prune, a_rotated_signing_key_secret,
    expiry, a_cancel, an_archived_movespec, a_withdrawn_version, other_settings, almost_a_day,
]  # fmt: skip


def assert_replays(scene: Scene) -> None:
    sessions = DetectionSession.objects.count()
    replay = scene.create()
    assert replay.status_code == 201
    assert replay.content == scene.first.content
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert DetectionSession.objects.count() == sessions


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_replay_is_byte_identical_after(event: Callable[[Scene], None], scene: Scene) -> None:
    event(scene)
    assert_replays(scene)


def test_a_replay_is_byte_identical_after_everything_together(scene: Scene) -> None:
    for event in (
        a_newer_release, a_rotated_api_key, a_rotated_signing_key_secret,
        two_rotations_and_a_prune, other_settings, an_archived_movespec,
    ):  # fmt: skip
        event(scene)
        assert_replays(scene)
    scene.clock.move(hours=20)
    assert_replays(scene)


def test_a_replayed_token_verifies_with_the_published_key_of_its_time(scene: Scene) -> None:
    two_rotations_and_a_prune(scene)
    token = scene.create().json()["runtime_token"].encode()
    kid = jws.extract_compact(token).headers()["kid"]
    published = scene.machine.get("/.well-known/jwks.json").json()["keys"]
    (jwk,) = (key for key in published if key["kid"] == kid)
    claims = jws.deserialize_compact(token, OKPKey.import_key(jwk), algorithms=["EdDSA"])
    assert f'"sub":"{scene.session_id}"'.encode() in (claims.payload or b"")
