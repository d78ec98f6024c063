"""GET /.well-known/jwks.json"""

import base64
from datetime import timedelta

from django.utils import timezone

from projects.models import SigningKey
from projects.signing import key_ring, signing_key_rotate
from tests.api.api_requests import ask, nothing_changes

JWKS = "/.well-known/jwks.json"


def test_it_publishes_exactly_these_fields(owner):
    key = SigningKey.objects.get()
    response = ask("GET", JWKS)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": base64.urlsafe_b64encode(bytes(key.public_key)).rstrip(b"=").decode(),
                "kid": str(key.id),
                "use": "sig",
            }
        ]
    }


def test_it_publishes_the_next_key_before_it_signs(owner):
    first = SigningKey.objects.get()
    now = timezone.now()
    next_key, is_new = signing_key_rotate(now=now)
    assert is_new
    assert next_key.signs_from == now + timedelta(minutes=5)
    assert {key["kid"] for key in ask("GET", JWKS).json()["keys"]} == {
        str(first.id),
        str(next_key.id),
    }
    assert key_ring().active(now).id == first.id


def test_it_publishes_a_key_without_its_private_part(owner):
    SigningKey.objects.update(encrypted_private_key=None)
    key_ring().forget()
    assert len(ask("GET", JWKS).json()["keys"]) == 1


def test_without_a_key_it_publishes_an_empty_set(db):
    key_ring().forget()
    assert ask("GET", JWKS).json() == {"keys": []}
    key_ring().forget()


def test_it_asks_no_one_and_counts_nothing(owner, settings):
    settings.RATE_LIMIT_ANONYMOUS = 0
    with nothing_changes():
        response = ask("GET", JWKS, token="garbage")
    assert response.status_code == 200
    assert not any(name.startswith("RateLimit") for name in response.headers)
