"""schemathesis over the running server: nothing undeclared, and nothing declared that is not so."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from described import document, operations

from common.keyset import encode_cursor
from kynaplatform.api.idempotency import PATTERN_OF_KEYS
from movespecs.models import MoveSpec
from sessions_app.events import event_id
from sessions_app.models import DetectionEvent
from tests.conftest import VALID_YAML, Machine, make_version
from tests.server import web_server

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")
LEFT_OUT = {
    # It wants 401 from all that takes a bearer. Where one is optional the answer is 200.
    "ignored_auth",
    # It reads another's resource by a second identity. tests/test_denials.py does so for
    # each endpoint, and with what each of them must answer.
    "object_level_authorization",
}
# A draft is any text, and these take a valid one alone: 422 `movespec_invalid`, whatever is sent.
TAKE_A_TEXT_THAT_MAY_BE_INVALID = (
    *("movespec_version_create", "movespec_version_release", "movespec_fork"),
)
# The numbers that a session may give are those of its version.
TAKES_WHAT_A_VERSION_TAKES = "session_create"
# An address must be a public one of https.
TAKE_AN_ADDRESS = ("webhook_create", "webhook_partial_update")
# From a day to one that is not before it, and not too long after it.
TAKE_DAYS = ("usage_retrieve", "usage_of_project", "subject_summarize")
# Of what fits the schema the answer may be one of these: the check's own list.
ACCEPTED = ("2xx", "3xx", "401", "403", "404", "409", "429", "5xx")
# They would end what the others need: the run's own token, the MoveSpec.
ENDS_WHAT_IS_NEEDED = "/(revoke|archive)$"


@dataclass
class Run:
    """One run of schemathesis, as the machine `owner`; `folder` has what it was told."""

    folder: Path
    owner: Machine
    movespec: MoveSpec

    def go(self, base_url: str, *options: str, parameters: dict[str, str], **real: str) -> str:
        """What it prints; any finding fails the test."""
        lines = [f"hooks = {json.dumps(str(HOOKS))}", "[parameters]"]
        lines += [f'"path.{name}" = "{value}"' for name, value in parameters.items()]
        for name in (
            *TAKE_A_TEXT_THAT_MAY_BE_INVALID,
            TAKES_WHAT_A_VERSION_TAKES,
            *TAKE_AN_ADDRESS,
            *TAKE_DAYS,
        ):
            lines += [
                *("[[operations]]", f'include-operation-id = "{name}"'),
                "[operations.checks.positive_data_acceptance]",
                f"expected-statuses = {json.dumps([*ACCEPTED, '422'])}",
            ]
        (self.folder / "schemathesis.toml").write_text("\n".join(lines))
        finished = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{base_url}/api/schema",
                "--header", f"Authorization: Bearer {self.owner.token}",
                "--checks", "all", "--exclude-checks", ",".join(LEFT_OUT),
                "--request-timeout", "30", "--no-shrink",
                *options,
            ],
            cwd=self.folder,
            env={
                **os.environ,
                "NO_COLOR": "1",
                "REAL": json.dumps(self._real() | real),
                "KEYS": PATTERN_OF_KEYS,
            },
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )  # fmt: skip
        assert finished.returncode == 0, finished.stdout[-12000:] + finished.stderr[-2000:]
        return finished.stdout

    def _real(self) -> dict[str, str]:
        return {
            "project_id": str(self.owner.project.id),
            "movespec_id": str(self.movespec.id),
            "movespec_version_id": str(self.movespec.current_released_version_id),
            "api_key": self.owner.secret,
            "cursor": encode_cursor(self.movespec.created_at, self.movespec.id),
        }


@pytest.fixture
def run(owner: Machine, movespec: MoveSpec, tmp_path: Path) -> Run:
    return Run(tmp_path, owner, movespec)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("examples", [2, pytest.param(50, marks=pytest.mark.long)])
def test_each_operation_does_what_the_document_says(
    run: Run, owner: Machine, movespec: MoveSpec, tmp_path: Path, examples: int
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
    with web_server(tmp_path) as base_url:
        said = run.go(
            base_url,
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(examples)),
            *("--seed", "1", "--exclude-path-regex", ENDS_WHAT_IS_NEEDED),
            parameters=real,
            after=str(event_id(UUID(session_id), 1)),
        )
    # All but the two, and the document's own path, which schemathesis leaves out itself.
    assert f"Tested: {len(operations()) - 3}" in said


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_what_the_links_lead_to_does_what_the_document_says(run: Run, tmp_path: Path) -> None:
    """Create, and go on with what was created, to its revocation and its archive."""
    links = [
        name
        for item in document()["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for name in answer.get("links", {})
    ]
    assert len(links) == 35
    with web_server(tmp_path) as base_url:
        said = run.go(
            base_url, "--phases", "stateful", "--max-examples", "100", "--seed", "1", parameters={}
        )
    assert "Stateful" in said
