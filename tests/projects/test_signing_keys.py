"""Rotation: what is published when, who signs with what, and processes that know it in time."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connections
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from projects.models import SigningKey
from projects.signing import (
    KeyRing,
    NoSigningKey,
    TokenRejected,
    key_ring,
    published_keys,
    sign,
    signing_key_rotate,
    verify,
)
from tests.waiting import DEADLINE_SECONDS

START = datetime(2031, 5, 1, 12, tzinfo=UTC)
FIVE_MINUTES = timedelta(minutes=5)
A_MINUTE = timedelta(seconds=60)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _fresh_key_ring() -> Iterator[None]:
    key_ring().forget()
    yield
    key_ring().forget()


def kids() -> set[str]:
    return {key["kid"] for key in published_keys()}


def test_it_signs_at_once_with_the_first_key(db: None) -> None:
    with pytest.raises(NoSigningKey):
        KeyRing().active(START)
    key, is_new = signing_key_rotate(now=START)
    assert (is_new, key.created_at, key.signs_from) == (True, START, START)
    assert KeyRing().active(START).id == key.id


def test_it_finds_the_first_key_though_it_read_none_a_moment_ago(db: None) -> None:
    ring = KeyRing()
    assert ring.keys(START) == {}
    key, _ = signing_key_rotate(now=START + TICK)
    assert list(ring.keys(START + TICK)) == [str(key.id)]


def test_it_signs_with_the_next_key_after_five_minutes_and_not_before(db: None) -> None:
    first, _ = signing_key_rotate(now=START - timedelta(days=1))
    second, is_new = signing_key_rotate(now=START)
    assert (is_new, second.signs_from - second.created_at) == (True, FIVE_MINUTES)
    assert KeyRing().active(START + FIVE_MINUTES - TICK).id == first.id
    assert KeyRing().active(START + FIVE_MINUTES).id == second.id


def test_it_publishes_the_next_key_at_once_in_every_process(db: None) -> None:
    first, _ = signing_key_rotate(now=START - timedelta(days=1))
    # This process read the keys just now, and another one rotates.
    key_ring().keys(START)
    read = key_ring()._keys
    second = SigningKey.objects.get(id=signing_key_rotate(now=START)[0].id)
    key_ring()._keys, key_ring()._read_at = read, START
    assert kids() == {str(first.id), str(second.id)}


def test_it_answers_the_key_that_waits(db: None) -> None:
    signing_key_rotate(now=START - timedelta(days=1))
    waiting, _ = signing_key_rotate(now=START)
    for later in (TICK, timedelta(minutes=1), FIVE_MINUTES - TICK):
        assert signing_key_rotate(now=START + later) == (waiting, False)
    assert SigningKey.objects.count() == 2
    third, is_new = signing_key_rotate(now=START + FIVE_MINUTES)
    assert (is_new, third.signs_from) == (True, START + 2 * FIVE_MINUTES)


def test_it_says_whether_a_key_is_new(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> dict[str, Any]:
        call_command("rotate_signing_key", "--json", *arguments)
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    first = run("--if-missing")
    assert first["is_new"] is True
    assert run("--if-missing") == first | {"is_new": False}
    second = run()
    assert (second["is_new"], second["kid"] == first["kid"]) == (True, False)
    assert run() == second | {"is_new": False}
    assert kids() == {first["kid"], second["kid"]}


@pytest.mark.django_db(transaction=True)
def test_it_makes_one_next_key_for_rotations_at_once() -> None:
    rotations = 8
    signing_key_rotate(now=START - timedelta(days=1))
    together = Barrier(rotations)

    def rotate() -> tuple[SigningKey, bool]:
        try:
            together.wait(DEADLINE_SECONDS)
            return signing_key_rotate(now=START)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(rotations) as pool:
        answers = [future.result(30) for future in [pool.submit(rotate) for _ in range(rotations)]]
    assert len({key.id for key, _ in answers}) == 1
    assert sorted(is_new for _, is_new in answers) == [False] * (rotations - 1) + [True]
    assert SigningKey.objects.count() == 2


def test_it_keeps_private_keys_encrypted(db: None) -> None:
    key, _ = signing_key_rotate(now=START)
    private = key_ring().private(key.id, START)
    raw = private.private_bytes_raw()
    stored = SigningKey.objects.get(id=key.id)
    assert raw not in bytes(stored.encrypted_private_key or b"")
    assert raw.hex() not in str(stored.__dict__)


def test_it_refuses_a_token_of_a_key_that_is_not_ours(db: None) -> None:
    key, _ = signing_key_rotate(now=START)
    private = key_ring().private(key.id, START)
    claims = {"iss": "kynaplatform", "aud": "kyna-api"}
    assert verify(sign("at+jwt", claims, key.id, private), "at+jwt", "kyna-api", START) == claims
    with pytest.raises(TokenRejected):
        verify(sign("at+jwt", claims, uuid.uuid4(), private), "at+jwt", "kyna-api", START)


class TestTwoProcesses(TestCase):
    """Two processes that read the keys at their own times, at most a minute apart."""

    @settings(max_examples=settings.default.max_examples // 5)
    @given(st.lists(st.tuples(st.sampled_from("AB*"), st.integers(0, 90)), max_size=60))
    def test_they_always_know_the_key_that_the_other_signs_with(
        self, steps: list[tuple[str, int]]
    ) -> None:
        now = START
        signing_key_rotate(now=now)
        processes = {"A": KeyRing(), "B": KeyRing()}
        published: dict[str, datetime] = dict.fromkeys(kids(), START - timedelta(days=1))
        for who, seconds in steps:
            now += timedelta(seconds=seconds)
            if who == "*":
                signing_key_rotate(now=now)
                published = dict.fromkeys(kids(), now) | published
                continue
            key = processes[who].active(now)
            other = processes["B" if who == "A" else "A"]
            assert str(key.id) in other.keys(now)
            assert other.active(now).id == key.id
            held = other.private(key.id, now).private_bytes_raw()
            assert held == key.private.private_bytes_raw()
            assert now - published[str(key.id)] >= FIVE_MINUTES

    def test_they_read_again_after_a_minute(self) -> None:
        signing_key_rotate(now=START - timedelta(days=1))
        ring = KeyRing()
        ring.keys(START)
        second, _ = signing_key_rotate(now=START)
        with self.assertNumQueries(0):
            assert str(second.id) not in ring.keys(START + A_MINUTE - TICK)
        with self.assertNumQueries(1):
            assert str(second.id) in ring.keys(START + A_MINUTE)


def test_it_encrypts_every_kept_key_anew_when_it_rotates(db: None, settings: Any) -> None:
    old, new = settings.SIGNING_KEY_SECRETS[0], Fernet.generate_key().decode()
    key, _ = signing_key_rotate(now=START)
    settings.SIGNING_KEY_SECRETS = [new, old]

    signing_key_rotate(now=START + TICK)

    settings.SIGNING_KEY_SECRETS = [new]
    assert KeyRing().active(START + TICK).id == key.id


def test_a_key_that_nothing_decrypts_still_verifies(
    db: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = signing_key_rotate(now=START)
    token = sign("t", {"iss": "kynaplatform", "aud": "a"}, key.id, KeyRing().private(key.id, START))
    settings.SIGNING_KEY_SECRETS = [Fernet.generate_key().decode()]
    key_ring().forget()

    assert verify(token, "t", "a", START)["aud"] == "a"
    with pytest.raises(NoSigningKey):
        key_ring().active(START)
    assert f"signing key {key.id}: no SIGNING_KEY_SECRETS decrypts it" in caplog.messages


def test_a_verified_token_is_refused_once_its_key_is_gone(db: None) -> None:
    key, _ = signing_key_rotate(now=START)
    token = sign("t", {"iss": "kynaplatform", "aud": "a"}, key.id, KeyRing().private(key.id, START))
    assert verify(token, "t", "a", START)["aud"] == "a"

    key.delete()

    assert verify(token, "t", "a", START + A_MINUTE - TICK)["aud"] == "a"
    with pytest.raises(TokenRejected):
        verify(token, "t", "a", START + A_MINUTE)
