"""Ed25519 signing keys: rotation, the published key set, and each process's key ring.

Ed25519 is deterministic: the same claims under the same key give the same bytes.
"""

import base64
import logging
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection, transaction
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OKPKey

from kynaplatform.api.errors import ServiceUnavailable
from kynaplatform.checks import MAX_LIFETIME_SECONDS
from kynaplatform.metrics.readiness import MISSING, OK
from projects.models import SigningKey

warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

logger = logging.getLogger("kynaplatform.signing")

ISSUER = "kynaplatform"
PUBLISHED_BEFORE_SIGNING = timedelta(minutes=5)
REREAD_AFTER = timedelta(seconds=60)
MAX_VERIFIED_KEPT = 4096
# How far the signing process's clock may be ahead of the verifying one's.
NOT_BEFORE_LEEWAY_SECONDS = 10
# Called to encrypt an app's other secrets anew with the first of SIGNING_KEY_SECRETS.
ENCRYPTED_ANEW: list[Callable[[], None]] = []
# A runtime token lives for the attach window and the longest session, each bounded by a check.
MAX_TOKEN = timedelta(seconds=2 * MAX_LIFETIME_SECONDS)
# Whether something from before a key retired may have to be signed with it again. Apps that sign
# again add theirs.
SIGNED_AGAIN: list[Callable[[UUID, datetime], bool]] = []
# RFC 8037's name, which common verifiers accept; RFC 9864's is accepted as well.
ALGORITHM = "EdDSA"
ACCEPTED_ALGORITHMS = ["EdDSA", "Ed25519"]


class TokenRejected(Exception):
    """We didn't sign the token, or it has another type or audience."""


class NoSigningKey(ServiceUnavailable):
    """There is no key: `manage.py rotate_signing_key` makes the first."""

    sentence = "The platform has no signing key."


@dataclass(frozen=True, slots=True)
class LoadedKey:
    id: UUID
    signs_from: datetime
    public: OKPKey
    private: Ed25519PrivateKey | None


class KeyRing:
    """The signing keys as this process read them, at most a minute ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: Mapping[str, LoadedKey] = {}
        self._read_at: datetime | None = None
        # Claims of tokens that these keys verified.
        self.verified: dict[tuple[str, str, str], dict[str, Any]] = {}

    def active(self, now: datetime) -> LoadedKey:
        """The key that signs at `now`; raises NoSigningKey."""
        signing = [
            key
            for key in self.keys(now).values()
            if key.private is not None and key.signs_from <= now
        ]
        if not signing:
            raise NoSigningKey
        return max(signing, key=lambda key: key.signs_from)

    def private(self, key_id: UUID, now: datetime) -> Ed25519PrivateKey:
        """The private key of a stored token; raises NoSigningKey if it is gone."""
        loaded = self.keys(now).get(str(key_id))
        if loaded is None:
            # Another process may have signed with a key that was made a moment ago.
            self.forget()
            loaded = self.keys(now).get(str(key_id))
        if loaded is None or loaded.private is None:
            raise NoSigningKey
        return loaded.private

    def keys(self, now: datetime) -> Mapping[str, LoadedKey]:
        """Every stored key by its kid."""
        # Without keys it reads each time: the platform's first key signs at once.
        if not self._keys or self._read_at is None or abs(now - self._read_at) >= REREAD_AFTER:
            with self._lock:
                self._keys = {str(row.id): _loaded(row) for row in SigningKey.objects.all()}
                self.verified = {}
                self._read_at = now
        return self._keys

    def forget(self) -> None:
        self._read_at = None


@cache
def key_ring() -> KeyRing:
    return KeyRing()


def sign(
    token_type: str, claims: Mapping[str, Any], key_id: UUID, private: Ed25519PrivateKey
) -> str:
    """A compact JWT of `claims`."""
    signed = f"{_header(token_type, key_id)}.{_base64url(msgspec.json.encode(claims))}"
    # joserfc would check and write the header again, to the same bytes.
    signature = private.sign(signed.encode())
    return f"{signed}.{_base64url(signature)}"


@lru_cache(maxsize=64)
def _header(token_type: str, key_id: UUID) -> str:
    header = {"alg": ALGORITHM, "typ": token_type, "kid": str(key_id)}
    return _base64url(msgspec.json.encode(header))


def verify(token: str, token_type: str, audience: str, now: datetime) -> dict[str, Any]:
    """The claims of our token; raises TokenRejected. The caller checks the expiry.

    A signature is verified once per reading of the keys: machines send the same token often.
    """
    ring = key_ring()
    keys = ring.keys(now)
    claims = ring.verified.get((token_type, audience, token))
    if claims is None:
        try:
            signed = jws.extract_compact(token.encode("ascii"))
            header = signed.headers()
            loaded = keys.get(str(header.get("kid")))
            if loaded is None or header.get("typ") != token_type:
                raise TokenRejected
            if not jws.validate_compact(signed, loaded.public, algorithms=ACCEPTED_ALGORITHMS):
                raise TokenRejected
            claims = msgspec.json.decode(signed.payload or b"", type=dict[str, Any])
        except (JoseError, ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            raise TokenRejected from error
        if claims.get("iss") != ISSUER or claims.get("aud") != audience:
            raise TokenRejected
        if len(ring.verified) >= MAX_VERIFIED_KEPT:
            ring.verified.clear()
        ring.verified[token_type, audience, token] = claims
    not_before = claims.get("nbf", 0)
    if not isinstance(not_before, int | float) or (
        not_before > now.timestamp() + NOT_BEFORE_LEEWAY_SECONDS
    ):
        raise TokenRejected
    return claims


def published_keys() -> list[dict[str, Any]]:
    """Every stored public key as a JWK without `alg`.

    Read each time: a next key is published when it is made.
    """
    keys = SigningKey.objects.order_by("id").values_list("id", "public_key")
    return [{**_jwk(bytes(public)), "kid": str(id_), "use": "sig"} for id_, public in keys]


def signing_key_rotate(*, now: datetime) -> tuple[SigningKey, bool]:
    """Publish the next key, which signs after five minutes; the very first signs at once.

    Returns the key and whether it is new: while a key waits to sign, it is returned again. Encrypts
    every private key anew with the first of SIGNING_KEY_SECRETS.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE projects_signingkey IN SHARE ROW EXCLUSIVE MODE")
        for row in SigningKey.objects.filter(encrypted_private_key__isnull=False):
            with suppress(InvalidToken):
                kept = bytes(row.encrypted_private_key or b"")
                row.encrypted_private_key = secret_cipher().rotate(kept)
                row.save(update_fields=["encrypted_private_key"])
        for encrypt_anew in ENCRYPTED_ANEW:
            encrypt_anew()
        waiting = SigningKey.objects.filter(signs_from__gt=now).first()
        if waiting is not None:
            return waiting, False
        is_first = not SigningKey.objects.exists()
        private = Ed25519PrivateKey.generate()
        key = SigningKey.objects.create(
            public_key=private.public_key().public_bytes_raw(),
            encrypted_private_key=secret_cipher().encrypt(private.private_bytes_raw()),
            created_at=now,
            signs_from=now if is_first else now + PUBLISHED_BEFORE_SIGNING,
        )
    key_ring().forget()
    return key, True


def _loaded(row: SigningKey) -> LoadedKey:
    jwk = _jwk(bytes(row.public_key))
    private = None
    if row.encrypted_private_key is not None:
        raw = decrypted(bytes(row.encrypted_private_key))
        if raw is None:
            logger.error("signing key %s: no SIGNING_KEY_SECRETS decrypts it", row.id)
        else:
            private = Ed25519PrivateKey.from_private_bytes(raw)
    return LoadedKey(row.id, row.signs_from, OKPKey.import_key(jwk), private)


def secret_cipher() -> MultiFernet:
    """Encrypts with the first of SIGNING_KEY_SECRETS, and decrypts with each."""
    return MultiFernet([Fernet(secret) for secret in settings.SIGNING_KEY_SECRETS])


def decrypted(secret: bytes) -> bytes | None:
    """None where no SIGNING_KEY_SECRETS decrypts it."""
    try:
        return secret_cipher().decrypt(secret)
    except InvalidToken:
        return None


def _jwk(public_key: bytes) -> dict[str, str | list[str]]:
    return {"kty": "OKP", "crv": "Ed25519", "x": _base64url(public_key)}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signing_keys_state() -> str:
    """For /readyz: `missing` without a key; `unreadable` if SIGNING_KEY_SECRETS decrypt not all."""
    private = SigningKey.objects.filter(encrypted_private_key__isnull=False)
    kept = list(private.values_list("encrypted_private_key", flat=True))
    if not kept:
        return MISSING
    return "unreadable" if None in [decrypted(bytes(key or b"")) for key in kept] else OK


def prune_signing_keys(*, now: datetime) -> int:
    """Drop private keys that sign nothing again, and public keys that no token can need."""
    pruned = 0
    for newer, key in pairwise(
        SigningKey.objects.filter(signs_from__lte=now).order_by("-signs_from")
    ):
        # From then on no process signs with it any more.
        retired_at = newer.signs_from + REREAD_AFTER
        if retired_at > now:
            continue
        if key.encrypted_private_key is not None:
            if not any(may_need(key.id, retired_at) for may_need in SIGNED_AGAIN):
                key.encrypted_private_key = None
                key.save(update_fields=["encrypted_private_key"])
                pruned += 1
        elif retired_at + MAX_TOKEN <= now:
            key.delete()
            pruned += 1
    if pruned:
        key_ring().forget()
    return pruned
