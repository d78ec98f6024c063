"""What README and docs have a newcomer type, as it stands: in a fresh copy, on other ports."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright
from stack_processes import (
    bare_environment,
    command_line,
    copy_project,
    is_deserted,
    processes_of,
)

from clients.python.rest import SESSIONS, RestClient
from dev.local_stack.cluster_folders import place_of
from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from dev.local_stack.run import CREATE
from dev.poses.recordings import load
from movespecs.catalogue import catalogue_id
from tests.chromium import OPTIONS, PROGRAMS
from tests.documented import block
from tests.long_runs import at_length
from tests.open_folder import open_folder
from tests.plugin import installed
from tests.waiting import comes_true

READY_SECONDS = 120.0
# The environment that runs the tests is installed already.
MAKE = f'#!/bin/sh\nexec {shutil.which("make")} --no-print-directory --assume-old=install "$@"\n'
# Node may be there, and is not needed.
NO_NODE = "#!/bin/sh\nexit 127\n"
RUN_MS = 60_000


class Clone:
    """A copy of the project, and what a shell in it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "kynaplatform"
        copy_project(self.folder)
        programs = folder / "programs"
        programs.mkdir()
        for name, program in (("make", MAKE), ("node", NO_NODE)):
            (programs / name).write_text(program)
            (programs / name).chmod(0o755)
        ports = {"PORT": str(free_port()), "REALTIME_PORT": str(free_port())}
        path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.shell = {**bare_environment(PATH=path), "PWD": str(self.folder)}
        self.ports = ports

    def paste(self, script: str) -> str:
        """What is printed; nothing may fail, and nothing be told besides."""
        if "curl " in script:
            installed("curl")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.shell,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, script: str) -> str:
        (self.folder / "pasted.py").write_text(script)
        return self.paste("python pasted.py")


@pytest.fixture(scope="module")
def clone() -> Iterator[Clone]:
    with open_folder() as folder:
        clone = Clone(folder)
        yield clone
        shutil.rmtree(place_of(clone.folder / ".data"), ignore_errors=True)


@pytest.fixture(scope="module")
def running(clone: Clone) -> Iterator[Clone]:
    """While the first command of README runs in another terminal."""
    run, test = block("README.md", "make run").text.splitlines()
    assert test.startswith("make test ")
    lines: list[str] = []
    with subprocess.Popen(
        ["bash", "-c", run],
        cwd=clone.folder,
        env=clone.shell | clone.ports,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=lines.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            assert comes_true(
                lambda: any('echo "$SESSION"' in line for line in lines), READY_SECONDS
            ), "".join(lines)
            yield clone
        finally:
            process.terminate()
            process.wait()
    assert is_deserted(clone.folder.parent)


@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "mark", "written", "picture"),
    [
        ("README.md", 'CMD="validate', None, "squat.svg"),
        ("docs/recordings.md", "--plot squat.png", None, "squat.png"),
        ("docs/movespec/try-it.md", "--explain --plot", "name: hinge", "bow.svg"),
        ("docs/recordings.md", "--variant half-way", "name: good-morning", "half-way.json.gz"),
    ],
)
def test_commands_for_recordings_need_no_platform(
    clone: Clone, page: str, mark: str, written: str | None, picture: str
) -> None:
    shutil.copy(clone.folder / "examples" / "movespecs" / "squat.yaml", clone.folder)
    if written is not None:
        name = written.removeprefix("name: ")
        (clone.folder / f"{name}.yaml").write_text(block(page, written).text)
    said = clone.paste(block(page, mark).text)
    assert re.search(r"completed|half-way", said.splitlines()[-1])
    assert (clone.folder / picture).exists()
    assert not (clone.folder / ".data" / "postgres").exists()


def test_a_recording_of_one_s_own_is_replayed(clone: Clone) -> None:
    assert clone.python(block("docs/recordings.md", "import gzip").text) == ""
    recording = load(clone.folder / "standing.json.gz")
    assert (recording.exercise, recording.count, recording.fps) == ("standing", 0, 30)
    assert [frame is not None for frame in recording.frames] == [True] * 50 + [False] * 10
    spec = "--spec examples/movespecs/squat.yaml --json"
    said = clone.paste(f'make manage CMD="replay standing.json.gz {spec}"')
    assert json.loads(said)["completed"] == {"squat": 0}


def test_banner_and_pages_create_alike() -> None:
    pages = {block(page, "TOKEN=").text for page in ("README.md", "docs/api.md")}
    assert pages == {CREATE}


def test_the_first_page_leads_to_a_figure_that_is_counted(running: Clone) -> None:
    assert not (running.folder / "tryout/static/tryout/built").exists()
    with sync_playwright() as playwright:
        program = installed(*PROGRAMS)
        chromium = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        page = chromium.new_page(base_url=f"http://127.0.0.1:{running.ports['PORT']}")
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto("/")
        page.get_by_role("link", name="Count me").click()
        expect(page.get_by_role("radio", name="You")).to_be_disabled()
        expect(page.locator("#no-camera code")).to_have_text("make web")
        page.goto("/try?movement=squat&speed=8")
        expect(page.get_by_role("radio", name="The built-in figure")).to_be_checked()
        page.get_by_role("button", name="Start").click()
        expect(page.locator("#summary-heading")).to_have_text(
            "Squat: 6 repetitions", timeout=RUN_MS
        )
        chromium.close()
    assert faults == []


def demo(clone: Clone, *arguments: str) -> "subprocess.Popen[str]":
    """`make demo`, but for make."""
    return subprocess.Popen(
        [sys.executable, "-m", "dev.tools.demo", *arguments],
        cwd=clone.folder,
        env=clone.shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def guards_of(clone: Clone) -> set[int]:
    """One for each program of the platform; the database's own children come and go."""
    return {pid for pid in processes_of(clone.folder) if b"guard.py" in command_line(pid)}


def test_make_demo_counts_on_the_platform_that_runs(running: Clone) -> None:
    before = guards_of(running)
    process = demo(running, "--repetitions", "3", "--speed", "50")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert output.endswith(
        "3 repetitions performed, 3 counted, 0 interrupted: "
        "the stream, the record and the stored events agree.\n"
    )
    assert "Starting the platform" not in output
    assert [line.split()[2:5] for line in output.splitlines() if "  repetition " in line] == [
        ["repetition", str(number), "squat,"] for number in (1, 2, 3)
    ]
    [path] = re.findall(rf"GET http://[\w.:]+({SESSIONS}/\S+)\n", output)
    record = api_of(running).ask("GET", path)
    assert (record["status"], record["terminal_outcome"]) == ("completed", "completed")
    # No wall of JSON.
    assert "{" not in output
    assert len(before) == 6
    assert guards_of(running) == before


def test_a_demo_that_is_stopped_cancels_its_session(running: Clone) -> None:
    before = sessions(running, "cancelled")
    process = demo(running, "--repetitions", "60", "--speed", "1")
    assert process.stdout is not None
    seen = next(line for line in process.stdout if " enter " in line)
    assert "standing" in seen
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.splitlines()[-1]) == (130, "Stopped.")
    cancelled, *others = sessions(running, "cancelled")
    assert (cancelled["terminal_outcome"], others) == ("cancelled", before)
    assert sessions(running, "streaming") == []


def sessions(clone: Clone, status: str) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = api_of(clone).ask("GET", f"{SESSIONS}?status={status}")
    return listed


def api_of(clone: Clone) -> RestClient:
    made = json.loads((clone.folder / ".data" / "demo.json").read_text())
    api = RestClient(made["base_url"])
    api.mint(made["api_key_secret"])
    return api


@pytest.mark.long
def test_the_first_page_creates_a_session(running: Clone) -> None:
    made = json.loads(running.paste(block("README.md", "Idempotency-Key").text))
    assert list(made) == list(json.loads(block("README.md", '"session_id"').text))
    port = running.ports["REALTIME_PORT"]
    assert made["stream_url"].startswith(f"ws://127.0.0.1:{port}/api/detection/stream/")


@pytest.mark.long
@at_length("page", "docs/recordings.md", "README.md")
def test_a_recording_is_streamed(running: Clone, page: str) -> None:
    running.paste(block("README.md", 'CMD="validate').text)
    script = block(page, 'CMD="stream').text
    said = running.paste(script)
    assert said.count("\n6 repetitions (recorded 6)\n") == script.count("make manage")


def test_the_api_is_used_from_yaml_to_a_session(running: Clone) -> None:
    marks = (
        *("TOKEN=", "api()", '"release": true', "$EVENTS", "/subjects/summary", "/usage?from"),
        "subjects/erase",
    )
    parts = [block("docs/api.md", mark).text for mark in marks]
    said = running.paste("\necho; echo ----\n".join([*parts, "echo $CATALOGUES"]))
    minted, made, of_a_fork, events, of_person, used, erased, forked = said.split("\n----\n")
    assert json.loads(of_a_fork)["status"] == "created"
    assert json.loads(minted)["status"] == "created"
    decoder, answers = json.JSONDecoder(), []
    while made.strip():
        answer, end = decoder.raw_decode(made.strip())
        answers.append(answer)
        made = made.strip()[end:]
    draft, validation, released, finished = answers
    assert draft["yaml_source"] == (PROJECT / "examples" / "movespecs" / "squat.yaml").read_text()
    assert (validation["ok"], validation["errors"]) == (True, [])
    assert released["current_released_version_id"] is not None
    assert (finished["status"], finished["terminal_outcome"]) == ("completed", "completed")
    # All, those after the last one of none, and the repetitions.
    assert events.replace("\n", "") == "[][][]"
    assert of_person.replace("\n", "") == "[][]"
    assert [used.count(f'"{name}":') for name in ("live_frames", "date")] == [2, 60]
    # The session is deleted, and of the person there is none.
    assert erased.replace("\n", "") == '{"sessions":0}'
    assert forked.strip() == str(catalogue_id("squat"))


def test_start_counts_squats(running: Clone) -> None:
    assert running.paste(block("docs/start.md", ". .data/demo.env").text) == ""
    said = start(running)
    assert [line for line in said if line.startswith("event_completed")] == [
        f"event_completed {number}" for number in range(1, 7)
    ]
    assert said[-1] == "{'squat': 6}"


def test_start_counts_a_movement_of_one_s_own(running: Clone) -> None:
    (running.folder / "movement.yaml").write_text(block("docs/start.md", "name: arms-up").text)
    said = start(
        running,
        block("docs/start.md", "Arms up").text,
        block("docs/start.md", "VERSION=$").text,
        block("docs/start.md", "FIGURE=front-raise").text,
    )
    assert said[-1] == "{'arms-up': 6}"


def start(clone: Clone, *more: str) -> list[str]:
    """What the program of docs/start.md prints, run as that page says, or by `more` commands."""
    (clone.folder / "count.py").write_text(block("docs/start.md", "def listen").text)
    environment = block("docs/start.md", ". .data/demo.env").text
    by_itself = block("docs/start.md", ".venv/bin/python count.py\n").text
    return clone.paste(environment + "".join(more or [by_itself])).splitlines()


def test_the_client_in_python_streams_to_a_created_session(running: Clone) -> None:
    program = block("docs/streaming.md", "def follow").text
    (running.folder / "client.py").write_text(program)
    created = block("README.md", "Idempotency-Key").text
    said = running.paste(created + block("docs/streaming.md", "client.py squat").text)
    assert said.count("'type': 'event_completed'") == 6
    ended = re.fullmatch(r"completed \{'squat': 6\} (\d+)", said.splitlines()[-1])
    assert ended is not None, said
    assert int(ended[1]) > 300
