"""The hook in a page of React, with a runtime and a camera."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from sessions_app.models import DetectionSession, Status
from tests.conftest import Machine, make_released
from tests.server import ROOT, RuntimeServer
from tests.web.conftest import POLICY, Host

SQUAT = (ROOT / "examples/movespecs/squat.yaml").read_text()


@pytest.fixture
def squat(owner: Machine) -> MoveSpec:
    released, _ = make_released(owner.project, SQUAT)
    return released


@pytest.fixture
def page(browser: Browser, host: Host, runtime: RuntimeServer) -> Iterator[Page]:
    """A page that may reach the runtime; what its scripts throw fails the test."""
    host.policy = f"{POLICY} {runtime.url.partition('/api')[0]}"
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(host.url("detection.html"))
    yield page
    context.close()
    host.policy = POLICY
    assert faults == []


@pytest.fixture
def created(
    owner: Machine, squat: MoveSpec, runtime: RuntimeServer, settings: Any
) -> Callable[[], dict[str, Any]]:
    """Makes a session; gives what the create answered."""
    settings.PUBLIC_STREAM_URL = runtime.url
    return lambda: owner.create_session(squat).json()


def figure(repetitions: int, from_ms: float = 0) -> list[list[Any]]:
    frames = perform("squat", repetitions=repetitions, fps=15)
    return [[from_ms + one.timestamp_ms, [list(p) for p in one.landmarks]] for one in frames]


def session_of(created: dict[str, Any]) -> DetectionSession:
    return DetectionSession.objects.get(id=created["session_id"])


def test_it_counts_what_a_figure_does_and_ends_the_session(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    session = created()
    end = page.evaluate(
        """async ([session, frames]) => {
          render({session});
          await until(({state}) => state === "off");
          kept.detection.start();
          await until(({state}) => state === "attached");
          await perform(frames);
          await until(({repetitions}) => repetitions === 6);
          const end = await kept.detection.stop();
          await until(({state}) => state === "ended");
          return end;
        }""",
        [session, figure(6)],
    )
    assert (end["status"], end["repetitions"]) == ("completed", {"squat": 6})
    assert page.locator("output").inner_text() == "6"
    shown = page.evaluate(
        "() => ({...kept, detection: {...kept.detection}, sockets: sockets.length})"
    )
    # StrictMode runs each effect twice; the stream has one socket all the same.
    assert shown["sockets"] == 1
    assert shown["states"] == ["off", "starting", "connecting", "attached", "ended"]
    detection = shown["detection"]
    assert (detection["dropped"], detection["error"]) == (0, None)
    assert detection["readiness"] == {"state": "ready", "missing": []}
    assert (detection["attempts"], detection["hold"]) == ([], None)
    row = session_of(session)
    assert (row.status, row.repetitions) == (Status.COMPLETED, {"squat": 6})
    assert [event["type"] for event in detection["events"]].count("event_completed") == 6
    assert len(detection["events"]) == row.events_total
    # A figure is added as fast as it is taken, so its cues may come long after their moments.
    assert isinstance(detection["cue"].pop("isLate"), bool)
    cue = {"level": "success", "message": "Good depth.", "key": "good_depth"}
    assert detection["cue"] == cue


def test_it_is_on_before_there_is_a_session(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    states = page.evaluate(
        """async (session) => {
          render({session: null});
          await until(({state}) => state === "off");
          kept.detection.start();
          await until(({state}) => state === "starting");
          const end = await kept.detection.stop();
          await until(({state}) => state === "off");
          kept.detection.start();
          render({session});
          await until(({state}) => state === "attached");
          return [end, kept.states];
        }""",
        created(),
    )
    assert states == [None, ["off", "starting", "off", "starting", "connecting", "attached"]]


@pytest.mark.long
def test_a_component_that_goes_leaves_camera_and_session(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    session = created()
    page.evaluate(
        """async (session) => {
          render({session, hasCamera: true});
          await until(({state}) => state === "off");
          kept.detection.start();
          await until(({state}) => state === "attached");
          await until(() => tracks.length === 1);
          render(null);
          await until(() => sockets[0].readyState === WebSocket.CLOSED);
        }""",
        session,
    )
    assert page.evaluate("() => tracks.map((track) => track.readyState)") == ["ended"]
    assert page.evaluate("() => sockets.length") == 1
    assert session_of(session).terminal_outcome is None


@pytest.mark.long
def test_a_page_may_create_its_session_once_the_camera_is_open(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    page.evaluate(
        """async () => {
          render({session: null, hasCamera: true});
          await until(({state}) => state === "off");
          globalThis.before = kept.detection.isCameraOpen;
          kept.detection.start();
          await until(({isCameraOpen}) => isCameraOpen);
        }"""
    )
    assert page.evaluate("() => [before, kept.detection.state]") == [False, "starting"]
    session = created()
    after = page.evaluate(
        """async (session) => {
          render({session, hasCamera: true});
          await until(() => told.includes("frame_ack"));
          await kept.detection.stop();
          await until(({state, isCameraOpen}) => state === "ended" && !isCameraOpen);
          return tracks.map((track) => track.readyState);
        }""",
        session,
    )
    assert after.count("live") == 0
    assert session_of(session).status == Status.COMPLETED


@pytest.mark.long
def test_frames_that_are_all_rejected_are_told(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    session = created()
    told = page.evaluate(
        """async (session) => {
          render({session});
          await until(({state}) => state === "off");
          kept.detection.start();
          await until(({state}) => state === "attached");
          const landmarks = Array.from({length: 33}, () => ({x: 0.9, y: 0.9, z: 0}));
          for (let timestampMs = 0; !kept.detection.error; timestampMs += 40) {
            await kept.detection.add({timestampMs, landmarks});
            await new Promise((resolve) => setTimeout(resolve, 40));
          }
          const {code, details} = kept.detection.error;
          const {state} = kept.detection;
          await kept.detection.stop();
          await until(({state}) => state === "ended");
          return {code, reasons: Object.keys(details), state, atEnd: kept.detection.error.code};
        }""",
        session,
    )
    assert told == {
        "code": "frames_rejected",
        "reasons": ["image_landmarks"],
        "state": "attached",
        "atEnd": "frames_rejected",
    }
    assert session_of(session).accepted_frames_total == 0


def test_a_refused_camera_is_told_and_may_be_allowed(
    page: Page, created: Callable[[], dict[str, Any]]
) -> None:
    page.context.clear_permissions()
    session = created()
    error = page.evaluate(
        """async (session) => {
          render({session, hasCamera: true});
          await until(({state}) => state === "off");
          kept.detection.start();
          await until(({error, state}) => error && state === "off");
          return kept.detection.error.code;
        }""",
        session,
    )
    assert error == "permission_denied"
    page.context.grant_permissions(["camera"])
    page.evaluate(
        """async () => {
          kept.detection.start();
          await until(({state, error}) => state === "attached" && error === null);
        }"""
    )
    assert session_of(session).terminal_outcome is None
