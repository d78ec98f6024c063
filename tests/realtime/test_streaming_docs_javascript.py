"""The client in JavaScript of docs/streaming.md, as it stands, on a real runtime."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from rows import session_of
from streaming import create
from test_streaming_docs import code

from movespecs.models import MoveSpec
from poses.figure import perform
from tests.conftest import Machine
from tests.plugin import skip_without
from tests.server import RuntimeServer, runtime_server
from tools.chromium import OPTIONS, chromium_program

pytestmark = pytest.mark.django_db(transaction=True)

OLDEST_NODE = 20
POSES = perform("squat", repetitions=2, fps=30)
CLIENT = code("javascript", "class KynaStream")
# What the page has: a camera, a landmarker that knows what it shows, and a counter.
PAGE = """<!doctype html>
<title>Squats</title>
<p id="counter">0</p><p id="status"></p>
<script type="module">
const [session, poses] = await (await fetch("given.json")).json();
const counter = document.getElementById("counter");
let shown = 0;
const video = {
  requestVideoFrameCallback(callback) {
    if (shown === poses.length) { stream.finalize(); return; }
    setTimeout(() => callback(performance.now(), {mediaTime: shown++ / 30}), 1);
  },
};
const landmarker = {detectForVideo: () => ({worldLandmarks: [poses[shown - 1]]})};
const say = (text) => { document.getElementById("status").textContent = text; };
console.log = console.warn = say;
console.error = (...told) => say(told.join(" "));
CLIENT
</script>
"""


def landmarks() -> list[list[dict[str, Any]]]:
    return [[point._asdict() for point in pose.landmarks] for pose in POSES]


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[str]:
    """Serves `tmp_path`/site."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    (tmp_path / "site").mkdir()
    handler = partial(Handler, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page_s_runtime(origin: str, tmp_path: Path) -> Iterator[RuntimeServer]:
    with runtime_server(tmp_path, {"CORS_ALLOWED_ORIGINS": origin}) as server:
        yield server


def test_a_page_counts_squats(
    owner: Machine, squat: MoveSpec, page_s_runtime: RuntimeServer, origin: str, tmp_path: Path
) -> None:
    program = chromium_program()
    if program is None:
        skip_without("no chromium is installed")
        return
    created = create(owner, squat, page_s_runtime.url)
    site = tmp_path / "site"
    (site / "given.json").write_text(json.dumps([created, landmarks()]))
    documented = CLIENT + code("javascript", "video.requestVideoFrameCallback(onFrame)")
    (site / "index.html").write_text(PAGE.replace("CLIENT", documented))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        page = browser.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(origin)
        page.wait_for_function("document.getElementById('status').textContent !== ''")
        told = (page.inner_text("#counter"), page.inner_text("#status"))
        browser.close()
    assert (told, faults) == (("2", "completed"), [])
    session = session_of(created)
    assert (session.accepted_frames_total, session.rejected_frames_total) == (len(POSES), 0)


@pytest.fixture(scope="session")
def node_with_ws(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Node, and a folder with ws, by the versions of tests/realtime/node."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        skip_without("no node or no npm is installed")
        raise AssertionError
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        skip_without(f"node {said.strip()} is older than {OLDEST_NODE}")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(__file__).parent / "node" / name, folder)
    command = [npm, "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        skip_without(f"npm has not got ws: {done.stderr}")
    return node, folder


def test_node_with_ws_counts_squats(
    owner: Machine,
    squat: MoveSpec,
    runtime: RuntimeServer,
    node_with_ws: tuple[str, Path],
    tmp_path: Path,
) -> None:
    node, folder = node_with_ws
    created = create(owner, squat, runtime.url)
    frames = [[pose, number * 1000 / 30] for number, pose in enumerate(landmarks())]
    (tmp_path / "given.json").write_text(json.dumps([created, frames]))
    given = 'import {readFileSync} from "node:fs";\n'
    given += "const [session, frames] = JSON.parse(readFileSync(process.argv[2]));\n"
    program = folder / "squats.mjs"
    program.write_text(given + CLIENT + code("javascript", 'from "ws"'))
    done = subprocess.run(
        [node, str(program), str(tmp_path / "given.json")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1] == "completed { squat: 2 }"
    assert [line.split()[0] for line in lines].count("event_completed") == 2
    session = session_of(created)
    assert (session.accepted_frames_total, session.rejected_frames_total) == (len(POSES), 0)


def test_node_with_ws_attaches_again_to_a_server_that_comes_later(
    owner: Machine, squat: MoveSpec, node_with_ws: tuple[str, Path], tmp_path: Path
) -> None:
    """A refused connection is an event of ws that ends Node where nobody listens to it."""
    node, folder = node_with_ws
    with runtime_server(tmp_path) as first:
        created = create(owner, squat, first.url)
    (tmp_path / "given.json").write_text(json.dumps([created, []]))
    given = 'import {readFileSync} from "node:fs";\n'
    given += "const [session, frames] = JSON.parse(readFileSync(process.argv[2]));\n"
    program = folder / "later.mjs"
    program.write_text(given + CLIENT + code("javascript", 'from "ws"'))
    with subprocess.Popen(
        [node, str(program), str(tmp_path / "given.json")], stdout=-1, stderr=-1, text=True
    ) as process:
        try:
            with runtime_server(tmp_path, port=first.port):
                output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (0, "completed {}\n", "")
