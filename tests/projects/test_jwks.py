"""GET /.well-known/jwks.json"""

import base64

from projects.models import SigningKey
from tests.api.api_requests import ask

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


def test_it_publishes_a_key_without_its_private_part(owner):
    SigningKey.objects.update(encrypted_private_key=None)
    assert len(ask("GET", JWKS).json()["keys"]) == 1


def test_without_a_key_it_publishes_an_empty_set(db):
    assert ask("GET", JWKS).json() == {"keys": []}
