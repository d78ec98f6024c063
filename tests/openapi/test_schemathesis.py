"""schemathesis over the running server, authenticated: no 5xx, no undeclared status or body."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from movespecs.models import MoveSpec
from sessions_app.models import DetectionEvent
from tests.conftest import VALID_YAML, Machine, make_version
from tests.server import web_server

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)
# Off: positive_data_acceptance, since some rules are beyond a schema's shapes (one credential in
# exactly one shape, a cursor that a list gave out) and answer 422; ignored_auth, since it expects
# 401 where the bearer is optional; use_after_free and ensure_resource_availability, since nothing
# is deleted; missing_required_header, since no header is required.
OPERATIONS = 28


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("examples", [3, pytest.param(50, marks=pytest.mark.long)])
def test_it_finds_nothing_undeclared(
    owner: Machine, movespec: MoveSpec, tmp_path: Path, examples: int
) -> None:
    version = make_version(movespec.id, VALID_YAML + "# another version\n")
    session_id = owner.create_session(movespec).json()["session_id"]
    DetectionEvent.objects.create(
        session_id=session_id, sequence=1, frame_seq=7, ts_ms=40.5, type="feedback",
        payload={"level": "coaching", "message": "Chest up."},
    )  # fmt: skip
    real = {
        "movespec_id": str(movespec.id),
        "version_id": str(version.id),
        "session_id": session_id,
        "token_id": str(owner.credential.access_tokens.get().id),
    }
    in_bodies = {
        "project_id": str(owner.project.id),
        "movespec_id": str(movespec.id),
        "movespec_version_id": str(version.id),
    }
    (tmp_path / "schemathesis.toml").write_text(
        "\n".join(
            [
                f"hooks = {json.dumps(str(Path(__file__).with_name('schemathesis_hooks.py')))}",
                "[parameters]",
                *(f'"path.{name}" = "{value}"' for name, value in real.items()),
            ]
        )
    )
    with web_server(tmp_path) as base_url:
        finished = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{base_url}/api/schema",
                "--header", f"Authorization: Bearer {owner.token}",
                "--checks", ",".join(CHECKS),
                "--phases", "examples,coverage,fuzzing",
                "--max-examples", str(examples),
                "--seed", "1",
                # They would end what the others need: the run's own token, the MoveSpec.
                "--exclude-path-regex", "/(revoke|archive)$",
            ],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1", "REAL_IDS": json.dumps(in_bodies)},
            capture_output=True,
            text=True,
            timeout=400,
        )  # fmt: skip

    assert finished.returncode == 0, finished.stdout[-8000:] + finished.stderr[-2000:]
    assert f"Tested: {OPERATIONS - 1}" in finished.stdout
