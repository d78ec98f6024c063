"""docs/backup.md: what a database is without the secrets that were kept beside it."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.http import HttpResponse
from django.test import Client

from movespecs.models import MoveSpec
from projects.models import SigningKey
from projects.signing import key_ring, signing_key_rotate
from sessions_app.models import DetectionSession
from tests.conftest import SESSIONS, TOKENS, Machine

pytestmark = pytest.mark.django_db


def mint(secret: str) -> HttpResponse:
    return Client().post(TOKENS, {"api_key": secret}, "application/json")


def test_without_the_secret_of_signing_keys_nothing_is_signed_until_the_next_key_signs(
    owner: Machine, movespec: MoveSpec, settings: Any
) -> None:
    def creates(key: str | None) -> int:
        return owner.create_session(movespec, idempotency_key=key).status_code

    assert creates("before") == 201
    [session] = DetectionSession.objects.all()
    settings.SIGNING_KEY_SECRETS = [Fernet.generate_key().decode()]
    key_ring().forget()
    assert (mint(owner.secret).status_code, creates("after"), creates("before")) == (503, 503, 503)
    assert owner.get(f"{SESSIONS}/{session.id}").status_code == 200

    key, is_new = signing_key_rotate(now=session.created_at)
    assert (is_new, key.signs_from) == (True, session.created_at + timedelta(minutes=5))
    assert creates("after") == 503
    SigningKey.objects.filter(id=key.id).update(signs_from=session.created_at)
    key_ring().forget()
    assert (mint(owner.secret).status_code, creates("after"), creates("before")) == (201, 201, 503)
    assert DetectionSession.objects.count() == 2
