"""A client that openapi-python-client generates from the document, against the real server."""

import importlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import VALID_YAML, Machine
from tests.module_servers import WebServer

PACKAGE = "generated_kyna_client"


@pytest.fixture(scope="module")
def package(module_web: WebServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is generated from the document that the server answers, where Python imports from."""
    folder = tmp_path_factory.mktemp("generated")
    with urllib.request.urlopen(f"{module_web.base_url}/api/schema") as answer:  # noqa: S310
        (folder / "openapi.json").write_bytes(answer.read())
    # The generator knows no YAML, and no lines of JSON: their bytes are sent as they are.
    config = folder / "config.json"
    unknown = ("application/yaml", "application/x-ndjson")
    overrides = dict.fromkeys(unknown, "application/octet-stream")
    config.write_text(json.dumps({"content_type_overrides": overrides}))
    generated = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate",
            "--path", str(folder / "openapi.json"),
            "--output-path", str(folder / PACKAGE),
            "--config", str(config),
            "--meta", "none",
            "--fail-on-warning",
        ],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert generated.returncode == 0, generated.stdout + generated.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def client(web: WebServer, package: None) -> "GeneratedClient":
    return GeneratedClient(web.base_url)


class GeneratedClient:
    """Calls operations by tag and name, and builds bodies by the name of their schema."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = importlib.import_module(f"{PACKAGE}.client").Client(base_url=base_url)

    def authenticate(self, token: str) -> None:
        client = importlib.import_module(f"{PACKAGE}.client").AuthenticatedClient
        self.http = client(base_url=self.base_url, token=token)

    def model(self, name: str, /, **fields: Any) -> Any:
        return getattr(importlib.import_module(f"{PACKAGE}.models"), name)(**fields)

    def call(self, tag: str, operation: str, *path: Any, status: int, **more: Any) -> Any:
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        response = module.sync_detailed(*path, client=self.http, **more)
        assert response.status_code == status, response.content
        return response.parsed


def test_it_goes_all_the_way_from_a_key_to_a_cancelled_session(
    client: GeneratedClient, owner: Machine
) -> None:
    minted = client.call(
        "access_tokens", "access_token_create", status=201,
        body=client.model(
            "AccessTokenMint",
            api_key_id=str(owner.credential.id), api_key_secret=owner.secret,
        ),
    )  # fmt: skip
    assert minted.project_id == owner.project.id
    client.authenticate(minted.access_token)

    movespec = client.call(
        "move_specs", "movespec_create", status=201,
        body=client.model("MoveSpecCreate", name="Squat"),
    )  # fmt: skip
    assert isinstance(movespec.movespec_id, UUID)
    assert movespec.created_at.tzinfo is not None
    client.call(
        "move_specs", "movespec_draft_update", movespec.movespec_id, status=200,
        body=client.model("DraftReplace", yaml_source=VALID_YAML),
    )  # fmt: skip
    version = client.call("move_specs", "movespec_version_create", movespec.movespec_id, status=201)
    released = client.call(
        "move_specs", "movespec_version_release",
        movespec.movespec_id, version.movespec_version_id, status=200,
    )  # fmt: skip
    assert released.current_released_version_id == version.movespec_version_id

    mode = importlib.import_module(f"{PACKAGE}.models").SessionCreateMode.LIVE
    body = client.model(
        "SessionCreate",
        mode=mode, project_id=minted.project_id, movespec_id=movespec.movespec_id,
    )  # fmt: skip
    created = client.call(
        "detection_sessions", "session_create", status=201, body=body, idempotency_key="one"
    )
    assert created.resolved_movespec_version_id == version.movespec_version_id
    again = client.call(
        "detection_sessions", "session_create", status=201, body=body, idempotency_key="one"
    )
    assert again == created

    read = client.call("detection_sessions", "session_retrieve", created.session_id, status=200)
    assert (read.status.value, read.terminal_outcome, read.started_at) == ("created", None, None)
    (listed,) = client.call("detection_sessions", "session_list", status=200, limit=5)
    assert listed == read
    cancelled = client.call("detection_sessions", "session_cancel", created.session_id, status=200)
    assert (cancelled.status.value, cancelled.terminal_outcome.value) == ("cancelled", "cancelled")
    refused = client.call("detection_sessions", "session_finalize", created.session_id, status=409)
    assert refused.error.code == "session_already_ended"
    assert refused.error.details.to_dict() == {
        "status": "cancelled", "terminal_outcome": "cancelled", "accepted_frames_total": 0,
    }  # fmt: skip


def test_it_reads_what_anyone_may_read(client: GeneratedClient, owner: Machine) -> None:
    (key,) = client.call("platform", "jwks_get", status=200).keys
    assert (key.kty.value, key.crv.value) == ("OKP", "Ed25519")
    assert client.call("platform", "health_get", status=200).status.value == "ok"
    assert client.call("platform", "readiness_get", status=200).broker.value == "ok"
    assert client.call("move_specs", "movespec_list", status=200) == []
    schema = client.call("platform", "movespec_schema_get", status=200).to_dict()
    assert schema["type"] == "object"
    json.dumps(client.call("platform", "openapi_get", status=200).to_dict())
