"""`manage.py stream`: a recording to a session of its own, on the real servers."""

import hashlib
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from clients.python.rest import RestClient
from clients.python.session_run import SessionRun, run_session
from clients.python.stream import StreamListener
from clients.python.wire import Event
from detection import Landmark
from dev.local_stack.ports import free_port
from dev.poses.figure import perform
from dev.poses.recordings import Recording, save
from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import Project
from sessions_app.models import DetectionSession, Mode, Outcome, Status
from tests.conftest import Machine, make_released
from tests.module_servers import WebServer
from tests.realtime.streaming import SQUAT
from tests.replay.cutting_proxy import cutting_proxy
from tests.server import RuntimeServer, web_server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("counters_agree")]
REPETITIONS = 3
PERFORMED = perform("squat", repetitions=REPETITIONS, fps=30)
Stream = Callable[..., str]


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, SQUAT)
    return released


@pytest.fixture(scope="module")
def web_environment(module_runtime: RuntimeServer) -> dict[str, str]:
    return {"PUBLIC_STREAM_URL": module_runtime.url}


@pytest.fixture
def base_url(runtime: RuntimeServer, owner: Machine, web: WebServer) -> str:
    return web.base_url


def recording(folder: Path, count: int | None = REPETITIONS) -> Path:
    path = folder / "squats.json.gz"
    frames = [frame.landmarks for frame in PERFORMED]
    save(
        path,
        Recording(
            exercise="squat", count=count, rep_frames=None, fps=30, source="", frames=[*frames]
        ),
    )
    return path


@pytest.fixture
def credentials(owner: Machine, base_url: str, tmp_path: Path) -> Path:
    path = tmp_path / "credentials.json"
    path.write_text(
        json.dumps(
            {
                "base_url": base_url,
                "project_id": str(owner.project.id),
                "api_key_secret": owner.secret,
            }
        )
    )
    return path


@pytest.fixture
def stream(credentials: Path) -> Stream:
    """Runs the command; what it prints."""

    def stream(path: Path, *arguments: object) -> str:
        out = StringIO()
        words = map(str, (path, "--credentials", credentials, *arguments))
        call_command("stream", *words, stdout=out)
        return out.getvalue()

    return stream


def test_a_released_movespec_counts_and_every_count_agrees(
    stream: Stream, squat: MoveSpec, tmp_path: Path
) -> None:
    answer = json.loads(stream(recording(tmp_path), "--movespec", squat.id, "--json"))
    record = answer["record"]
    assert (answer["completed"], answer["interrupted"]) == ({"squat": 3}, 0)
    assert (answer["expected"], answer["attaches"], answer["faults"]) == (3, 1, [])
    assert record["status"] == "completed"
    assert record["accepted_frames_total"] == len(PERFORMED)
    session = DetectionSession.objects.get()
    assert (str(session.id), session.mode) == (record["session_id"], Mode.REPLAY)
    assert session.resolved_version_id == squat.current_released_version_id
    assert [event["type"] for event in answer["events"]].count("event_completed") == 3


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_text_becomes_one_movespec_that_every_run_takes(
    stream: Stream, owner: Machine, tmp_path: Path
) -> None:
    spec = tmp_path / "my squat.yaml"
    spec.write_text(SQUAT)
    path = recording(tmp_path)
    lines = stream(path, "--movespec", spec).splitlines()
    assert [line.split()[3] for line in lines if "  repetition " in line] == ["1", "2", "3"]
    assert "status                        completed" in lines
    assert lines[-1] == "3 repetitions (recorded 3)"
    made = MoveSpec.objects.get(project=owner.project)
    assert made.name == f"my squat {hash_of(SQUAT)[:12]}"
    assert (made.archived_at, made.visibility) == (None, "private")
    assert made.current_released_version_id is None
    before = MoveSpec.objects.values().get()
    stream(path, "--movespec", spec)
    assert MoveSpec.objects.values().get() == before
    version = MoveSpecVersion.objects.get()
    assert version.content_hash == hash_of(SQUAT)
    sessions = DetectionSession.objects.all()
    assert [session.resolved_version_id for session in sessions] == [version.id] * 2
    with pytest.raises(CommandError, match=r"^3 repetitions were counted, 5 performed\.$"):
        stream(recording(tmp_path, count=5), "--movespec", spec)


def test_a_file_with_errors_is_told_and_leaves_no_movespec_behind(
    stream: Stream, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SQUAT.replace("joint: knee", "joint: nose", 1))
    with pytest.raises(CommandError, match=r"\(422 movespec_invalid, error_count 1, "):
        stream(recording(tmp_path), "--movespec", spec)
    assert MoveSpec.objects.get().archived_at is not None
    assert DetectionSession.objects.count() == 0


def rounded(landmark: Landmark) -> Landmark:
    x, y, z = (round(metres, 3) for metres in landmark[:3])
    return Landmark(x, y, z, landmark.visibility and round(250 * landmark.visibility) / 250)


def test_a_recording_in_which_people_leave_is_streamed_as_it_is_replayed(
    stream: Stream, squat: MoveSpec, tmp_path: Path
) -> None:
    """Midway, for long, for a moment, and at its end."""
    # As the client rounds them.
    squats = [tuple(map(rounded, frame.landmarks)) for frame in PERFORMED]
    frames = squats[:78] + [None] * 64 + squats[:150] + [None] * 9 + squats[:78] + [None] * 900
    path, spec = tmp_path / "leaves.json.gz", tmp_path / "squat.yaml"
    spec.write_text(SQUAT)
    held = Recording(exercise="", count=None, rep_frames=None, fps=30, source="", frames=frames)
    save(path, held)
    words = ("--movespec", squat.id, "--json", "--batch-frames", 7)
    streamed = json.loads(stream(path, *words))
    out = StringIO()
    call_command("replay", str(path), "--spec", str(spec), "--json", stdout=out)
    replayed = json.loads(out.getvalue())
    told = [(event["type"], event["ts_ms"], event["payload"]) for event in streamed["events"]]
    assert told == [
        (event["type"], event["ts_ms"], event["payload"]) for event in replayed["events"]
    ]
    lost = [ms for _, ms, payload in told if payload.get("reason") == "pose_lost"]
    assert lost == [pytest.approx(at * 1000 / 30 + 2000) for at in (77, 78 + 64 + 150 + 9 + 77)]
    assert (streamed["interrupted"], streamed["attaches"]) == (2, 1)
    assert streamed["record"]["accepted_frames_total"] == 78 + 150 + 78


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--movespec", "nowhere.yaml"), "nowhere.yaml is neither an id nor a file to read."),
        (("--movespec", "it", "--batch-frames", 301), "--batch-frames is 1 to 300."),
        (
            ("--movespec", "it", "--server", f"http://127.0.0.1:{free_port()}"),
            "does not answer: .*refused",
        ),
    ],
)
def test_what_cannot_be_meant_is_told(
    stream: Stream, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        stream(recording(tmp_path), *arguments)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read .*: start `make run`, or name --credentials."),
        ("{}", "holds no project_id and api_key_secret"),
        (
            '{"project_id": "a", "api_key_secret": "b"}',
            "--server is needed: the credentials name no base_url",
        ),
    ],
)
def test_credentials_that_cannot_serve_are_told(
    tmp_path: Path, content: str | None, said: str
) -> None:
    path = tmp_path / "held.json"
    if content is not None:
        path.write_text(content)
    words = [recording(tmp_path), "--movespec", "it", "--credentials", path]
    with pytest.raises(CommandError, match=said):
        call_command("stream", *map(str, words))


def run(
    api: RestClient, owner: Machine, squat: MoveSpec, listener: StreamListener | None = None
) -> SessionRun:
    api.mint(owner.secret)
    return run_session(
        api,
        PERFORMED,
        project_id=str(owner.project.id),
        mode="live",
        reference={"movespec_id": str(squat.id)},
        listener=listener or StreamListener(),
        batch_frames=10,
        speed=None,
    )


def test_connections_that_break_lose_nothing_and_count_nothing_twice(
    runtime: RuntimeServer, owner: Machine, squat: MoveSpec, tmp_path: Path
) -> None:
    byte_limits = (15_000, 6_000, 9_001, 2_000, 20_000)
    with cutting_proxy(runtime.port, *byte_limits) as proxy:
        through = f"ws://127.0.0.1:{proxy.port}/api/detection/stream"
        with web_server(tmp_path, environment={"PUBLIC_STREAM_URL": through}) as base_url:
            api = RestClient(base_url)
            broken = run(api, owner, squat)
            connections = proxy.connections
            undisturbed = run(api, owner, squat)
    assert connections == 6
    assert undisturbed.stream.attaches == 1
    assert broken.faults(REPETITIONS) == undisturbed.faults(REPETITIONS) == []
    assert [(event.type, event.ts_ms, event.payload) for event in broken.stream.events] == [
        (event.type, event.ts_ms, event.payload) for event in undisturbed.stream.events
    ]


def test_a_limit_is_waited_out_and_told(base_url: str, owner: Machine, squat: MoveSpec) -> None:
    """A create, and the reads after the end, of which one more is refused."""
    told: list[tuple[float, str]] = []

    def pause(_: float) -> None:
        Project.objects.filter(id=owner.project.id).update(rate_limit=1_000)

    Project.objects.filter(id=owner.project.id).update(rate_limit=2)
    api = RestClient(base_url, on_wait=lambda *wait: told.append(wait), pause=pause)
    assert run(api, owner, squat).faults(REPETITIONS) == []
    [(seconds, why)] = told
    assert 1 <= seconds <= 61
    assert why.startswith("Too many requests")
    assert "(429 rate_limited, retry_after_seconds " in why
    assert DetectionSession.objects.count() == 1


def test_a_run_that_is_stopped_cancels_its_session(
    base_url: str, owner: Machine, squat: MoveSpec
) -> None:
    class Stopped(StreamListener):
        def events_came(self, events: list[Event]) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(RestClient(base_url), owner, squat, Stopped())
    session = DetectionSession.objects.get()
    assert (session.status, session.terminal_outcome) == (Status.CANCELLED, Outcome.CANCELLED)
