"""No secret is at rest in any table, and none is told by a log line, an admin page or a repr."""

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from movespecs.models import MoveSpec
from projects.models import AccessToken, Credential
from projects.signing import key_ring, prune_signing_keys, signing_key_rotate
from sessions_app.models import DetectionSession
from sessions_app.session_sweep import expire_sessions
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, Machine
from tests.long_runs import at_length

MIN_CHARACTERS = 20  # of a needle: shorter ones would be found by chance
PASSWORD = "a long staff password 7351"


@dataclass
class Secrets:
    """Everything secret that was made, by what it is."""

    needles: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, secret: str | bytes) -> None:
        raw = secret.encode() if isinstance(secret, str) else secret
        self.needles[f"{name} {len(self.needles)}"] = raw

    def add_jwt(self, name: str, token: str) -> None:
        header, payload, signature = token.split(".")
        self.add(name, token)
        self.add(f"{name}: signature", signature)
        self.add(f"{name}: signature in bytes", base64.urlsafe_b64decode(signature + "=="))
        self.add(f"{name}: signed part", f"{header}.{payload}")

    def add_key_secret(self, name: str, secret: str) -> None:
        self.add(name, secret)
        random_part = secret[-43:]
        self.add(f"{name}: random part", random_part)
        self.add(f"{name}: random bytes", base64.urlsafe_b64decode(random_part + "="))

    def found_in(self, haystack: bytes) -> list[str]:
        """The names of the secrets that are in `haystack`, as they are, in hex or in base64."""
        return [
            name
            for name, needle in self.needles.items()
            if any(form in haystack for form in forms(needle))
        ]


def forms(needle: bytes) -> list[bytes]:
    """How bytes can be written; base64 without its ends, which depend on what is beside."""
    assert len(needle) >= MIN_CHARACTERS
    written = [needle, needle.hex().encode()]
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + needle)[4:-4]
        written += [encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))]
    return written


def every_cell() -> Iterator[tuple[str, bytes]]:
    """Each value of each column of each table: as text, and binary columns also as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "JOIN information_schema.tables USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        )
        for table, column, data_type in cursor.fetchall():
            read = f'"{column}"' if data_type == "bytea" else f'"{column}"::text'
            cursor.execute(f'SELECT {read} FROM "{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
            for (value,) in cursor.fetchall():
                raw = value.encode() if isinstance(value, str) else bytes(value)
                yield f"{table}.{column}", raw


def call_json(command: str, *arguments: str, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command(command, *arguments, json=True, stdout=out, **options)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def answered(response: Any, status: int = 201) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def secret_on(page: Any) -> str:
    """The secret of the one page that shows it."""
    (secret,) = re.findall("kyna_sk_[0-9a-f]{32}_[A-Za-z0-9_-]{43}", page.content.decode())
    return str(secret)


@pytest.fixture
def admin() -> Client:
    get_user_model().objects.create_superuser("staff", "staff@example.com", PASSWORD)
    client = Client()
    response = client.post("/admin/login/", {"username": "staff", "password": PASSWORD})
    assert response.status_code == 302
    return client


@pytest.fixture
def secrets(
    owner: Machine, movespec: MoveSpec, admin: Client, caplog: pytest.LogCaptureFixture
) -> Secrets:
    """The platform used in every way that makes a secret or is sent one."""
    caplog.set_level(logging.DEBUG)
    made = Secrets()
    made.add("staff password", PASSWORD)
    made.add_key_secret("API key of the fixture", owner.secret)
    made.add_jwt("access token of the fixture", owner.token)

    bootstrapped = call_json("bootstrap_project", organization="Org", project="Project")
    made.add_key_secret("API key of bootstrap_project", bootstrapped["api_key_secret"])
    project = str(owner.project.id)
    issued = call_json("create_api_key", project, name="second")
    made.add_key_secret("API key of create_api_key", issued["api_key_secret"])
    account = call_json("create_api_key", project, name="account", service_account=True)
    made.add_key_secret("service account", account["service_account_secret"])

    chosen = "7b0f4c3e-5a51-4d6e-9b39-1a1f0f5f5f10"
    given = {"project": project, "name": "by hand", "chosen_id": chosen, "scopes": ["usage:read"]}
    page = admin.post(f"/admin/projects/project/{project}/issue-api-key/", given)
    made.add_key_secret("API key of the admin", secret_on(page))
    rotation = {"overlap": "24", "reason": "Leaked"}
    page = admin.post(f"/admin/projects/apikey/{chosen}/rotate/", rotation)
    made.add_key_secret("API key of a rotation", secret_on(page))
    page = admin.post(f"/admin/projects/apikey/{chosen}/revoke/", {"reason": "Leaked"})
    assert page.status_code == 302

    for body in (
        {"api_key": issued["api_key_secret"]},
        {"api_key": f"{issued['api_key_id']}:{issued['api_key_secret']}"},
        {"api_key_id": issued["api_key_id"], "api_key_secret": issued["api_key_secret"]},
        {
            "service_account_id": account["service_account_id"],
            "service_account_secret": account["service_account_secret"],
        },
    ):
        made.add_jwt("access token", answered(owner.post(TOKENS, body))["access_token"])
    # Refused ones, whose secrets must not be told either.
    wrong = "kyna_sk_" + "0" * 32 + "_" + "wrong-secret-of-a-refused-mint-0123456789-abc"
    made.add("secret of a refused mint", wrong)
    assert owner.post(TOKENS, {"api_key": wrong}).status_code == 401
    assert owner.post(TOKENS, {"api_key_secret": wrong}).status_code == 422
    assert owner.call("GET", SESSIONS, token=f"{owner.token}x").status_code == 401
    answered(owner.get(f"{SESSIONS}?access_token={owner.token}"), 200)

    signing_key_rotate(now=timezone.now())
    for key in key_ring().keys(timezone.now()).values():
        assert key.private is not None
        private = key.private.private_bytes_raw()
        made.add("private signing key in base64", base64.urlsafe_b64encode(private).rstrip(b"="))
        made.add("private signing key", private)
    made.add("secret of the signing keys", settings.SIGNING_KEY_SECRETS[0])
    made.add("pepper", settings.SECRET_PEPPERS[1])
    made.add("SECRET_KEY", settings.SECRET_KEY)

    first = answered(owner.create_session(movespec, idempotency_key="k"))
    assert answered(owner.create_session(movespec, idempotency_key="k")) == first
    made.add_jwt("runtime token", first["runtime_token"])
    for ending in ("cancel", "finalize"):
        session = answered(owner.create_session(movespec))
        made.add_jwt("runtime token", session["runtime_token"])
        answered(owner.post(f"{SESSIONS}/{session['session_id']}/{ending}"), 200)
    assert owner.create_session(movespec, mode=first["runtime_token"]).status_code == 422

    draft = answered(owner.post(MOVESPECS, {"name": "A draft"}))["movespec_id"]
    answered(owner.call("PUT", f"{MOVESPECS}/{draft}/draft", {"yaml_source": "name: x"}), 200)
    answered(owner.post(f"{MOVESPECS}/{draft}/draft/validate"), 200)

    token = AccessToken.objects.filter(credential_id=issued["api_key_id"]).first()
    assert token is not None
    answered(owner.post(f"{TOKENS}/{token.id}/revoke"), 200)
    Credential.objects.filter(id=issued["api_key_id"]).update(revoked_at=timezone.now())
    assert owner.post(TOKENS, {"api_key": issued["api_key_secret"]}).status_code == 401

    later = timezone.now() + timedelta(hours=1)
    assert expire_sessions(now=later) == 1
    prune_signing_keys(now=later)
    return made


@pytest.mark.django_db
def test_no_table_holds_a_secret(secrets: Secrets) -> None:
    cells = list(every_cell())
    assert [(column, found) for column, raw in cells if (found := secrets.found_in(raw))] == []
    # The search reads what it should: these are written on purpose.
    columns = {column for column, _ in cells}
    assert columns >= {
        "projects_credential.secret_hash",
        "projects_accesstoken.id",
        "projects_signingkey.encrypted_private_key",
        "detection_session.stream_url",
        "detection_session.request_fingerprint",
        "detection_session.idempotency_key",
        "movespecs_movespecdraft.yaml_source",
        "django_session.session_data",
        "auth_user.password",
    }


@pytest.mark.django_db
@at_length("column", "summary", "error_message", "request_fingerprint")
def test_the_search_finds_a_token_in_text_json_and_bytes(secrets: Secrets, column: str) -> None:
    token = next(
        raw.decode() for name, raw in secrets.needles.items() if name.startswith("runtime token ")
    )
    session = DetectionSession.objects.filter(idempotency_key="k").get()
    value = {"error_message": f"see {token}", "summary": {"a": [token]},
             "request_fingerprint": b"\0" + token.encode()}[column]  # fmt: skip
    DetectionSession.objects.filter(id=session.id).update(**{column: value})
    found = {cell for cell, raw in every_cell() if secrets.found_in(raw)}
    assert found == {f"detection_session.{column}"}


@pytest.mark.parametrize(
    "written", [bytes.hex, lambda raw: base64.b64encode(b"x" + raw).decode()], ids=["hex", "base64"]
)
def test_the_search_finds_bytes_that_are_written_as_text(written: Any) -> None:
    secrets = Secrets()
    secrets.add("key", bytes(range(100, 132)))
    assert secrets.found_in(f"see {written(bytes(range(100, 132)))}".encode()) == ["key 0"]


@pytest.mark.django_db
def test_no_log_line_tells_a_secret(secrets: Secrets, caplog: pytest.LogCaptureFixture) -> None:
    records = caplog.get_records("setup")
    assert any(record.getMessage().startswith(f"POST {SESSIONS} 201") for record in records)
    everything = logging.Formatter("%(message)s %(pathname)s %(threadName)s")
    lines = [f"{everything.format(record)} {vars(record)}" for record in records]
    assert secrets.found_in("\n".join(lines).encode()) == []


@pytest.mark.django_db
def test_no_model_tells_a_secret_in_its_str_or_repr(secrets: Secrets) -> None:
    told = []
    for model in apps.get_models():
        for row in model._default_manager.all():
            told += [str(row), repr(row), f"{row}"]
    assert len(told) > 60
    assert secrets.found_in("\n".join(told).encode()) == []
    hashes = [bytes(row.secret_hash) for row in Credential.objects.all()]
    assert not any(hash_.hex() in line for hash_ in hashes for line in told)


@pytest.mark.django_db
def test_no_admin_page_shows_a_secret_or_a_hash(secrets: Secrets, admin: Client) -> None:
    shown = Secrets(dict(secrets.needles))
    for credential in Credential.objects.all():
        shown.add("hash", bytes(credential.secret_hash))
    pages = 0
    for model in site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        addresses = [path]
        for row in model._default_manager.all()[:20]:
            addresses += [f"{path}?q={row.pk}", f"{path}{row.pk}/change/"]
            addresses += [f"{path}{row.pk}/history/"]
        for address in addresses:
            page = admin.get(address)
            assert page.status_code == 200, address
            assert shown.found_in(page.content) == [], address
            pages += 1
    assert pages > 100


@pytest.mark.django_db
def test_no_answer_but_the_first_tells_a_token(secrets: Secrets, owner: Machine) -> None:
    session = str(DetectionSession.objects.filter(idempotency_key="k").get().id)
    token = str(AccessToken.objects.filter(project=owner.project).first().id)
    for path in (
        SESSIONS, f"{SESSIONS}/{session}", TOKENS, f"{TOKENS}/{token}", MOVESPECS,
        "/.well-known/jwks.json", "/metrics", "/api/schema", "/readyz",
    ):  # fmt: skip
        answer = owner.get(path)
        assert answer.status_code == 200, path
        assert secrets.found_in(answer.content) == []
