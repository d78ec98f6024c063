"""Every example of the reference, run as its page shows it: in curl, Python and TypeScript"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dev.local_stack.ports import free_port
from kynaplatform import clock
from kynaplatform.reference.pages import Page, pages
from movespecs.models import MoveSpec, Visibility
from sessions_app.models import DetectionEvent, DetectionSession
from tests.conftest import VALID_YAML, Machine, make_version, mint
from tests.documented import commands
from tests.module_servers import WebServer
from tests.node import node
from tests.openapi.described import document, validator
from tests.plugin import installed
from tests.webhooks.endpoint import make_delivery, make_endpoint

PAGES = list(pages())
SECONDS = 60


def answer_of(page: Page) -> dict[str, Any]:
    """What the document says of the answer that the example shows."""
    operation = document()["paths"][page.path][page.method.lower()]
    (content,) = operation["responses"][page.answer_status.split()[0]]["content"].values()
    schema: dict[str, Any] = content["schema"]
    return schema


def run(command: list[str], folder: Path, variables: dict[str, str]) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by_curl(text: str, folder: Path, variables: dict[str, str]) -> str:
    installed("curl")
    # A refusal is a failure here, as it is in the other two.
    script = text.replace("curl -sS", "curl -sS --fail-with-body")
    return run(["sh", "-euc", script], folder, variables) or "204"


def by_python(text: str, folder: Path, variables: dict[str, str]) -> str:
    for shown in ("response.json()", "json.loads(line)"):
        text = text.replace(f"print({shown})", f"print(__import__('json').dumps({shown}))")
    (folder / "example.py").write_text(text)
    return run([sys.executable, "example.py"], folder, variables)


def by_typescript(text: str, folder: Path, variables: dict[str, str]) -> str:
    """What is shown has no types: so Node runs it as it stands. `tsc` checks it below."""
    for shown in ("await response.json()", "JSON.parse(line)"):
        text = text.replace(f"console.log({shown})", f"console.log(JSON.stringify({shown}))")
    (folder / "example.mjs").write_text(text)
    return run([node(), "example.mjs"], folder, variables)


RUNS: dict[str, Callable[[str, Path, dict[str, str]], str]] = {
    "bash": by_curl,
    "python": by_python,
    "typescript": by_typescript,
}


@pytest.fixture
def variables(web: WebServer, owner: Machine, movespec: MoveSpec) -> dict[str, str]:
    """What a reader has exported who has created one of each."""
    MoveSpec.objects.filter(id=movespec.id).update(visibility=Visibility.PUBLIC)
    version = make_version(movespec.id, VALID_YAML + "# another version\n")
    created = owner.create_session(movespec).json()
    session_id = created["session_id"]
    DetectionEvent.objects.create(
        session_id=session_id, sequence=1, frame_seq=7, ts_ms=40.5, type="event_completed",
        payload={"event_key": "squat", "score": None},
    )  # fmt: skip
    # The export has those that ended; the lists of the examples ask for others.
    of_yesterday = owner.create_session(movespec).json()["session_id"]
    DetectionSession.objects.filter(id=of_yesterday).update(
        status="cancelled", terminal_outcome="expired", ended_at=clock.now(), deadline_at=None,
        created_at=clock.now() - timedelta(days=1), attachment_id=None,
    )  # fmt: skip
    mint(owner.credential)
    token = owner.credential.access_tokens.order_by("created_at").last()
    assert token is not None
    endpoint = make_endpoint(owner.project)
    return {
        "KYNA_URL": web.base_url,
        "KYNA_WEBHOOK_ID": str(endpoint.id),
        "KYNA_DELIVERY_ID": str(make_delivery(endpoint, status="failed").id),
        "KYNA_API_KEY": owner.secret,
        "KYNA_TOKEN": owner.token,
        "KYNA_PROJECT_ID": str(owner.project.id),
        "KYNA_MOVESPEC_ID": str(movespec.id),
        "KYNA_VERSION_ID": str(version.id),
        "KYNA_SESSION_ID": session_id,
        "KYNA_RUNTIME_TOKEN": created["runtime_token"],
        "KYNA_TOKEN_ID": str(token.id),
    }


@pytest.mark.parametrize("language", list(RUNS))
def test_each_runs_as_it_is_shown_and_gets_what_the_page_says(
    variables: dict[str, str], tmp_path: Path, language: str
) -> None:
    """In an order in which none takes away what another needs."""
    last = (
        *("session_cancel", "session_destroy", "movespec_archive", "webhook_destroy"),
        "access_token_revoke",
    )
    answers: dict[str, Any] = {}
    for name in [*(name for name in PAGES if name not in last), *last]:
        page = pages()[name]
        # A session is finalized once, and then another is cancelled.
        if name == "session_cancel":
            variables["KYNA_SESSION_ID"] = answers["session_create"]["session_id"]
        (code,) = [code for code in page.codes if code.language == language]
        known = {one: variables[one] for one in page.call.variables}
        told = RUNS[language](code.text, tmp_path, known)
        if page.call.in_lines:
            answers[name] = [json.loads(line) for line in told.splitlines()]
            for line in answers[name]:
                validator(answer_of(page)).validate(line)
            continue
        answers[name] = json.loads(told)
        if page.call.has_answer:
            validator(answer_of(page)).validate(answers[name])
        else:
            assert answers[name] == 204
    empty = [name for name, answer in answers.items() if answer == []]
    # They ask for completed ones, and for days on which a person trained: there are none yet.
    assert empty == ["session_list", "subject_summarize"]


def test_the_program_of_the_guide_exports_all(
    web: WebServer, owner: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    """And the next day what is new, by the address that it has kept."""
    installed("curl")
    variables = {"KYNA_URL": web.base_url, "TOKEN": owner.token}

    def ended(count: int, created_at: datetime) -> list[str]:
        ids = [owner.create_session(movespec).json()["session_id"] for _ in range(count)]
        DetectionSession.objects.filter(id__in=ids).update(
            status="cancelled", terminal_outcome="expired", ended_at=created_at, deadline_at=None,
            created_at=created_at,
        )  # fmt: skip
        return sorted(ids)

    def exported() -> list[str]:
        run(["sh", "-euc", commands("api.md", "sessions.jsonl")], tmp_path, variables)
        lines = (tmp_path / "sessions.jsonl").read_bytes().splitlines()
        return [json.loads(line)["session"]["session_id"] for line in lines]

    first = ended(3, clock.now() - timedelta(days=2))
    assert exported() == first
    until = datetime.fromisoformat((tmp_path / "until").read_text().strip())
    second = ended(2, until)
    assert exported() == first + second
    # It breaks off where nobody answers.
    kept = {path: path.read_bytes() for path in (tmp_path / "sessions.jsonl", tmp_path / "until")}
    nowhere = variables | {"KYNA_URL": f"http://127.0.0.1:{free_port()}"}
    script = commands("api.md", "sessions.jsonl").replace("--retry 5 ", "")
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=os.environ | nowhere, check=False)
    assert done.returncode == 1
    assert {path: path.read_bytes() for path in kept} == kept
