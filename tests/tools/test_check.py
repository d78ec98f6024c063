"""`make check`: what it says of each fault. That the project passes it is the gate's own run."""

import json
from pathlib import Path

import pytest

from dev.tools import check
from tests.node import built_clients
from tests.plugin import installed

UNREACHABLE = "requests.exceptions.ConnectionError: no route to host"


@pytest.fixture
def pip_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "pip-audit"
    monkeypatch.setattr(check, "BIN", tmp_path)
    return program


def says(program: Path, *, answer: str = "", error: str = "", status: int = 0) -> None:
    (program.parent / "answer").write_text(answer)
    (program.parent / "error").write_text(error)
    folder = program.parent
    program.write_text(f"#!/bin/sh\ncat {folder}/answer\ncat {folder}/error >&2\nexit {status}\n")
    program.chmod(0o755)


def audited(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.long
def test_the_audit_passes_when_nothing_is_found(pip_audit: Path) -> None:
    says(pip_audit, answer=audited({"name": "django", "version": "5.2", "vulns": []}))
    assert check.audit_requirements() is None


def test_the_audit_fails_on_a_vulnerability(pip_audit: Path) -> None:
    fault = {"id": "PYSEC-1", "fix_versions": ["5.3"]}
    package = {"name": "django", "version": "5.2", "vulns": [fault]}
    says(pip_audit, answer=audited(package), status=1)
    with pytest.raises(check.CheckFailedError) as raised:
        check.audit_requirements()
    assert str(raised.value) == "django 5.2: PYSEC-1, fixed in ['5.3']"


def test_the_audit_says_that_the_service_cannot_be_reached(pip_audit: Path) -> None:
    says(pip_audit, error=f"Traceback\n{UNREACHABLE}\n", status=1)
    assert check.audit_requirements() == (
        f"NOT AUDITED: the advisory service cannot be reached ({UNREACHABLE})"
    )


@pytest.mark.long
def test_the_audit_says_that_the_service_knows_nothing(pip_audit: Path) -> None:
    packages = [{"name": f"package{number}", "skip_reason": "unknown"} for number in range(5)]
    says(pip_audit, answer=audited(*packages))
    assert check.audit_requirements() == (
        "NOT AUDITED: the service does not know 5 of 5 (package0, package1, package2, …)"
    )


@pytest.mark.long
def test_the_audit_fails_when_it_is_broken(pip_audit: Path) -> None:
    says(pip_audit, error="unrecognized arguments", status=2)
    with pytest.raises(check.CheckFailedError, match="unrecognized arguments"):
        check.audit_requirements()


def test_an_openapi_document_out_of_step_fails_with_the_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "OPENAPI", tmp_path / "openapi.yaml")
    monkeypatch.setattr(check, "generate_openapi", lambda: "info:\n  version: 2\n")
    check.OPENAPI.write_text("info:\n  version: 1\n")
    with pytest.raises(check.CheckFailedError) as raised:
        check.check_openapi()
    assert str(raised.value).splitlines() == [
        *("--- docs/openapi.yaml", "+++ generated", "@@ -1,2 +1,2 @@", " info:"),
        *("-  version: 1", "+  version: 2", "`make openapi` rewrites it."),
    ]
    check.OPENAPI.write_text("info:\n  version: 2\n")
    check.check_openapi()


def test_a_script_of_try_out_of_step_with_its_source_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_clients()
    committed = check.TRY_SCRIPT.read_bytes()
    monkeypatch.setattr(check, "TRY_SCRIPT", tmp_path / "try.js")
    check.TRY_SCRIPT.write_bytes(committed)
    assert check.check_try_script() is None
    check.TRY_SCRIPT.write_bytes(committed.replace(b"Counting", b"Waiting"))
    with pytest.raises(check.CheckFailedError) as raised:
        check.check_try_script()
    assert str(raised.value) == "It is not what clients/ makes of it. `make web` rewrites it."


def test_without_node_the_script_of_try_is_compared_in_ci_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("make", "sh"):
        (tmp_path / program).symlink_to(installed(program))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", "false")
    assert check.check_try_script() == "NOT COMPARED: Node 20 or later is needed, with npm."
    monkeypatch.setenv("CI", "true")
    with pytest.raises(check.CheckFailedError, match="Node 20 or later is needed"):
        check.check_try_script()


def test_every_check_runs_although_one_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise check.CheckFailedError("one line too long\n")

    checks = {"lint": broken, "types": lambda: None, "audit": lambda: "NOT AUDITED"}
    monkeypatch.setattr(check, "CHECKS", checks)
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    assert check.run_all() == 1
    assert capsys.readouterr().out == (
        "one line too long\nFAILED  lint\nok      types (0.0 s)\n"
        "skipped audit: NOT AUDITED (0.0 s)\nmake check: 1 failed: lint\n"
    )
