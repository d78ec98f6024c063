"""The npm package as users have it: packed, installed in an empty project, used as documented."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from dev.local_stack import processes
from dev.local_stack.ports import free_port, listens
from dev.poses.figure import perform
from movespecs.catalogue import catalogue_load
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession
from tests.conftest import Machine, make_released
from tests.documented import block
from tests.node import CLIENTS, INSTALL_OPTIONS, WEB, built_clients, node
from tests.server import ROOT, RuntimeServer, web_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

POSES = perform("squat", repetitions=2, fps=30)
SQUAT = (ROOT / "examples/movespecs/squat.yaml").read_text()
README = (WEB / "README.md").read_text()
BUILD_SECONDS = 180
COMPILER = CLIENTS / "node_modules/.bin/tsc"
# What a page of React has around the component.
REACT = """
import {createRoot} from "react-dom/client";
const session = await (await fetch("/session.json")).json();
createRoot(document.getElementById("root")).render(<Counter session={session} />);
"""


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


def test_the_entry_for_react_is_of_the_client_and_the_other_of_both(project: Path) -> None:
    dist = project / "node_modules" / "@kynaplatform" / "web" / "dist"
    assert (dist / "react.js").read_text().splitlines()[0] == '"use client";'
    others = [path for path in dist.glob("*.js") if path.name != "react.js"]
    assert [path.name for path in others if "use client" in path.read_text()] == []


def test_a_bundle_of_the_entry_for_react_keeps_its_directive(project: Path) -> None:
    program = str(CLIENTS / "node_modules/.bin/esbuild")
    entry = "node_modules/@kynaplatform/web/dist/react.js"
    bundled = run([program, entry, "--bundle", "--format=esm", "--external:react"], project)
    assert bundled.splitlines()[0] == '"use client";'


@pytest.mark.long
def test_its_types_fit_a_program_in_node_and_a_page(project: Path) -> None:
    imported = (
        "import {type DetectionEvent, type KynaError, type StreamEnd, createCamera, createClient, "
        'createStream} from "@kynaplatform/web";'
    )
    (project / "types.mts").write_text(
        f"{imported}\n"
        "const {sessions} = createClient({baseUrl: '', tokenProvider: () => ''});\n"
        "const created = await sessions.create({mode: 'live', project_id: '', movespec_id: ''});\n"
        "const stream = createStream(created, {onEvent: (event: DetectionEvent) => {}});\n"
        "for await (const event of stream) {\n"
        "  if (event.type === 'event_completed') console.log(event.payload.event_key.length);\n"
        "  if (event.type === 'feedback' && !event.isLate) console.log(event.payload.message);\n"
        "}\n"
        "const end: () => Promise<StreamEnd> = () => stream.finalize();\n"
        "await stream.finalize({timeoutMs: 1000}).catch((error: KynaError) => error.details);\n"
        "export {createCamera, end};\n"
    )
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext"]
    for lib in ("es2022", "es2022,dom"):
        run([str(COMPILER), *options, "--lib", lib, "types.mts"], project)


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


def of_readme(language: str, containing: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    [found] = [text for text in blocks if containing in text]
    return str(found)


def test_the_program_of_start_counts_squats(
    owner: Machine, runtime: RuntimeServer, project: Path, tmp_path: Path
) -> None:
    catalogue_load(now=timezone.now())
    with web_server(tmp_path, environment={"PUBLIC_STREAM_URL": runtime.url}) as platform:
        frames = [
            [pose.timestamp_ms, [point._asdict() for point in pose.landmarks]] for pose in POSES
        ]
        values = {
            "baseUrl": platform,
            "key": owner.secret,
            "project_id": str(owner.project.id),
            "frames": frames,
        }
        (project / "values.json").write_text(json.dumps(values))
        # What the page leaves to its reader, and what Node has by itself from 22 on.
        given = (
            'import {readFileSync} from "node:fs";\n'
            'import WebSocket from "ws";\n'
            "globalThis.WebSocket = WebSocket;\n"
            'const given = JSON.parse(readFileSync("values.json"));\n'
            "const {baseUrl, key, project_id, frames} = given;\n"
            "const tokenProvider = async () => {\n"
            '  const headers = {"Content-Type": "application/json"};\n'
            "  const body = JSON.stringify({api_key: key});\n"
            "  const url = `${baseUrl}/api/auth/access-tokens`;\n"
            '  const answer = await fetch(url, {method: "POST", headers, body});\n'
            "  return (await answer.json()).access_token;\n"
            "};\n"
        )
        program = project / "start.mjs"
        program.write_text(given + block("docs/start.md", "createStream").text)
        lines = run([node(), program.name], project).splitlines()
    assert lines[-1] == "{ squat: 2 }"
    assert [line.split()[0] for line in lines].count("event_completed") == 2


@contextmanager
def documented_site(folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """The page of the README on the server of docs/integrators.md; gives its address."""
    platform = folder / "platform"
    made = shutil.ignore_patterns("node_modules", "dist", "build", "openapi.ts")
    shutil.copytree(ROOT / "clients", platform / "clients", ignore=made)
    (platform / "docs").mkdir()
    shutil.copy(ROOT / "docs/openapi.yaml", platform / "docs")
    (platform / ".data").mkdir()
    exported = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    (platform / ".data" / "demo.env").write_text(exported)
    page = folder / "page"
    for name in ("public", "src"):
        (page / name).mkdir(parents=True)
    (page / "public" / "index.html").write_text(of_readme("html", "<video"))
    (page / "public" / "page.css").write_text(of_readme("css", ".stage"))
    (page / "src" / "page.js").write_text(of_readme("javascript", "createCamera"))
    (page / "server.mjs").write_text(block("docs/integrators.md", "createServer").text)
    port = free_port()
    process = processes.start(
        ["sh", "-euc", block("docs/integrators.md", "npm pack").text],
        cwd=page,
        env={**os.environ, "PLATFORM": str(platform), "PORT": str(port)},
        stdout=(folder / "built.log").open("wb"),
    )
    try:
        said = folder / "built.log"
        eventually(
            lambda: process.poll() is not None or listens(port),
            "the page is served",
            seconds=BUILD_SECONDS,
        )
        assert process.poll() is None, said.read_text()
        yield f"http://localhost:{port}"
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 5)])


@pytest.fixture
def page(browser: Browser, transactional_db: None) -> Iterator[Page]:
    """A page whose camera shows a person; a script's error fails the test."""
    faults: list[str] = []

    def note_forbidden(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            faults.append(message.text)

    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", note_forbidden)
    yield page
    context.close()
    assert faults == []


def await_poses(sessions: QuerySet[DetectionSession]) -> None:
    with_poses = sessions.filter(accepted_frames_total__gte=5)
    eventually(with_poses.exists, "poses are counted", seconds=120)


@pytest.mark.long
def test_a_page_of_one_s_own_counts(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, page: Page, tmp_path: Path
) -> None:
    """That of the README, then its component of React, each with a camera and a person."""
    with web_server(tmp_path, environment={"PUBLIC_STREAM_URL": runtime.url}) as platform:
        variables = {
            "KYNA_URL": platform,
            "KYNA_STREAM": runtime.url.partition("/api")[0],
            "KYNA_API_KEY": owner.secret,
            "KYNA_PROJECT_ID": str(owner.project.id),
            "KYNA_MOVESPEC_ID": str(squat.id),
        }
        with documented_site(tmp_path, variables) as site:
            page.goto(site)
            page.get_by_role("button", name="Start").click()
            await_poses(DetectionSession.objects.all())
            skeleton, video = (page.locator(one).bounding_box() for one in ("canvas", "video"))
            assert skeleton == video
            page.get_by_role("button", name="Stop").click()
            expect(page.locator("#state")).to_have_text("The session is completed.")
            expect(page.get_by_role("alert")).to_have_text("")
            assert DetectionSession.objects.get().status == "completed"

            public = tmp_path / "page" / "public"
            created = create(owner, squat, runtime)
            (public / "session.json").write_text(json.dumps(created))
            (public / "react.html").write_text(
                '<!doctype html><title>Squats</title><div id="root"></div>'
                '<script type="module" src="react.js"></script>'
            )
            component = tmp_path / "page" / "src" / "react.jsx"
            component.write_text(of_readme("javascript", "useDetection") + REACT)
            run(["npm", "install", *INSTALL_OPTIONS, "react", "react-dom"], tmp_path / "page")
            bundle = ["npx", "esbuild", "--bundle", "--format=esm", "--jsx=automatic"]
            run([*bundle, "src/react.jsx", "--outfile=public/react.js"], tmp_path / "page")
            page.goto(f"{site}/react.html")
            page.get_by_role("button", name="off").click()
            of_component = DetectionSession.objects.filter(id=created["session_id"])
            await_poses(of_component)
            page.get_by_role("button", name="attached").click()
            expect(page.get_by_role("button", name="ended")).to_be_visible()
            assert of_component.get().status == "completed"
