"""The npm package as users have it: packed, installed in an empty project, used as documented."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from movespecs.models import MoveSpec
from poses.figure import perform
from sessions_app.models import DetectionSession
from tests.conftest import Machine, make_released
from tests.documented import block
from tests.node import INSTALL_OPTIONS, WEB, built_clients, node
from tests.server import RuntimeServer

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=2, fps=30)
SQUAT = (Path(__file__).parents[2] / "examples" / "movespecs" / "squat.yaml").read_text()


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty npm project with the packed package, and what its README has one install."""
    built_clients()
    folder = tmp_path_factory.mktemp("project")
    packed = json.loads(
        run(["npm", "pack", "--ignore-scripts", "--json", f"--pack-destination={folder}"], WEB)
    )
    run(["npm", "init", "--yes"], folder)
    run(["npm", "install", *INSTALL_OPTIONS, str(folder / packed[0]["filename"]), "ws"], folder)
    return folder


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, SQUAT)
    return released


def create(owner: Machine, squat: MoveSpec, runtime: RuntimeServer) -> dict[str, Any]:
    created: dict[str, Any] = owner.create_session(squat).json()
    return created | {"stream_url": f"{runtime.url}/{created['session_id']}"}


def test_what_is_packed_is_the_package_alone(project: Path) -> None:
    package = project / "node_modules" / "@kynaplatform" / "web"
    names = {path.relative_to(package).parts[0] for path in package.iterdir()}
    assert names == {"dist", "README.md", "package.json"}
    described = json.loads((package / "package.json").read_text())
    assert "dependencies" not in described
    installed = set(os.listdir(project / "node_modules")) - {".package-lock.json", ".bin"}
    assert installed == {"@kynaplatform", "ws"}
    for export in described["exports"].values():
        assert all((package / path).is_file() for path in export.values())


def test_a_program_in_node_counts_squats(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, project: Path
) -> None:
    created = create(owner, squat, runtime)
    frames = [[pose.timestamp_ms, [point._asdict() for point in pose.landmarks]] for pose in POSES]
    (project / "given.json").write_text(json.dumps([created, frames]))
    given = 'import {readFileSync} from "node:fs";\n'
    given += 'const [session, frames] = JSON.parse(readFileSync("given.json"));\n'
    program = project / "squats.mjs"
    program.write_text(given + block("docs/streaming.md", 'from "ws"').text)
    lines = run([node(), program.name], project).splitlines()
    assert lines[-1] == "completed { squat: 2 }"
    assert [line.split()[0] for line in lines].count("event_completed") == 2
    session = DetectionSession.objects.get(id=created["session_id"])
    assert (session.accepted_frames_total, session.rejected_frames_total) == (len(POSES), 0)
