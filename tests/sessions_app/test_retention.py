"""How long idempotency keys, signing keys and the records of access tokens are kept."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from lifecycle_scene import START, TICK, Scene, at

from kynaplatform.checks import MAX_LIFETIME_SECONDS
from projects.access_tokens import prune_access_tokens
from projects.models import AccessToken, SigningKey
from projects.signing import (
    NoSigningKey,
    key_ring,
    prune_signing_keys,
    published_keys,
    signing_key_rotate,
)
from sessions_app import tasks
from sessions_app.models import DetectionSession
from sessions_app.retention import forget_idempotency_keys
from sessions_app.runtime_tokens import runtime_token

DAY = timedelta(hours=24)
# A key is kept an hour longer than promised.
KEPT = timedelta(hours=25)
# A token's two lifetimes, each as long as a check allows.
MAX_TOKEN = timedelta(seconds=2 * MAX_LIFETIME_SECONDS)


@pytest.fixture(autouse=True)
def _fresh_key_ring() -> Iterator[None]:
    key_ring().forget()
    yield
    key_ring().forget()


def key_of(session_id: UUID) -> str | None:
    return DetectionSession.objects.get(id=session_id).idempotency_key


def test_it_frees_an_idempotency_key_after_that(scene: Scene) -> None:
    session_id = scene.created(key="order-7")
    others = [scene.created(60, key="order-8"), scene.created()]
    before = scene.columns(session_id)
    assert forget_idempotency_keys(now=START + KEPT + TICK) == 1
    assert scene.columns(session_id) == before | {
        "idempotency_key": None, "request_fingerprint": None,
    }  # fmt: skip
    assert [key_of(id_) for id_ in others] == ["order-8", None]
    assert scene.created(100_000, key="order-7") != session_id
    assert forget_idempotency_keys(now=START + KEPT + TICK) == 0


class Keys:
    """The platform's first key, and a second that signs from five minutes after START."""

    def __init__(self) -> None:
        self.first = SigningKey.objects.get()
        self.second, _ = signing_key_rotate(now=START)
        # From then on every process signs with the second one.
        self.retired_at = self.second.signs_from + timedelta(seconds=60)

    def kept(self) -> dict[UUID, bool]:
        """Key → whether its private part is there."""
        rows = SigningKey.objects.values_list("id", "encrypted_private_key")
        return {id_: private is not None for id_, private in rows}


def test_it_keeps_a_private_key_while_it_may_sign(scene: Scene) -> None:
    keys = Keys()
    assert prune_signing_keys(now=keys.retired_at - TICK) == 0
    assert keys.kept() == {keys.first.id: True, keys.second.id: True}


def test_it_drops_a_private_key_that_no_idempotency_key_names(scene: Scene) -> None:
    scene.created()
    keys = Keys()
    scene.created(400, key="of the second")
    assert prune_signing_keys(now=keys.retired_at) == 1
    assert keys.kept() == {keys.first.id: False, keys.second.id: True}
    assert len(published_keys()) == 2
    with pytest.raises(NoSigningKey):
        key_ring().private(keys.first.id, keys.retired_at)
    assert prune_signing_keys(now=keys.retired_at) == 0


def test_it_keeps_a_private_key_while_an_idempotency_key_names_it(scene: Scene) -> None:
    session_id = scene.created(key="order-7")
    organization_id = scene.machine.organization.id
    token = runtime_token(scene.row(session_id), organization_id, START)
    keys = Keys()
    # Signed in the last minute, by a process that had not read the keys again.
    last_id = scene.created(299, key="order-8")
    assert scene.row(last_id).signing_key_id == keys.first.id
    later = START + KEPT
    assert prune_signing_keys(now=later) == 0
    key_ring().forget()
    assert runtime_token(scene.row(session_id), organization_id, later) == token
    assert forget_idempotency_keys(now=later + TICK) == 1
    assert prune_signing_keys(now=later + TICK) == 0
    later = at(299) + KEPT + TICK
    assert forget_idempotency_keys(now=later) == 1
    assert prune_signing_keys(now=later) == 1
    assert keys.kept() == {keys.first.id: False, keys.second.id: True}


def test_it_keeps_a_public_key_while_a_token_may_be_alive(scene: Scene) -> None:
    keys = Keys()
    assert prune_signing_keys(now=keys.retired_at) == 1
    gone_at = keys.retired_at + MAX_TOKEN
    assert prune_signing_keys(now=gone_at - TICK) == 0
    assert len(published_keys()) == 2
    assert prune_signing_keys(now=gone_at) == 1
    assert keys.kept() == {keys.second.id: True}
    assert [key["kid"] for key in published_keys()] == [str(keys.second.id)]


def test_it_keeps_public_keys_for_the_longest_lifetimes_that_are_allowed(
    scene: Scene, settings: object
) -> None:
    for name in ("SESSION_ATTACH_SECONDS", "SESSION_MAX_SECONDS"):
        setattr(settings, name, MAX_LIFETIME_SECONDS)
    keys = Keys()
    last = scene.row(scene.created(299.9))
    assert last.signing_key_id == keys.first.id
    prune_signing_keys(now=keys.retired_at)
    prune_signing_keys(now=last.runtime_token_expires_at)
    assert str(keys.first.id) in {key["kid"] for key in published_keys()}


def test_it_keeps_a_public_key_as_long_as_its_private_part(scene: Scene) -> None:
    scene.created(key="order-7")
    keys = Keys()
    assert prune_signing_keys(now=keys.retired_at + MAX_TOKEN) == 0
    assert keys.kept() == {keys.first.id: True, keys.second.id: True}


def test_it_never_drops_the_active_or_the_next_key(scene: Scene) -> None:
    assert prune_signing_keys(now=START + 1000 * DAY) == 0
    keys = Keys()
    for now in (START, keys.second.signs_from, START + 1000 * DAY, START + 2000 * DAY):
        prune_signing_keys(now=now)
    assert keys.kept() == {keys.second.id: True}
    assert key_ring().active(START + 2000 * DAY).id == keys.second.id


def test_it_keeps_the_record_of_an_access_token_for_30_days_after_its_end(scene: Scene) -> None:
    kept_until = AccessToken.objects.get().expires_at + timedelta(days=30)
    assert prune_access_tokens(now=kept_until) == 0
    assert prune_access_tokens(now=kept_until + TICK) == 1
    assert not AccessToken.objects.exists()


def test_it_is_all_one_task(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.created(key="order-7")
    keys = Keys()
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: START + 4 * DAY)
    # The idempotency key and the private key; the owner's access token is far over 30 days.
    assert tasks.prune_expired() == 3
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: START + 5 * DAY)
    assert tasks.prune_expired() == 1
    assert keys.kept() == {keys.second.id: True}
