"""The page at /try as somebody uses it, from the choice to the summary."""

import gzip
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dev.poses.figure import perform
from dev.poses.recordings import Recording, load, save
from sessions_app.models import DetectionSession, EventType
from tests.browser.accessibility import Inspection, Screens, each_screen
from tests.browser.trying import (
    FIGURE,
    RUN_MS,
    Runtime,
    expect_summary,
    notices,
    rows,
    start,
    unfold,
)
from tests.module_servers import WebServer

pytestmark = pytest.mark.django_db(transaction=True)


def at(ts_ms: float) -> str:
    minutes, seconds = divmod(int(ts_ms // 1000), 60)
    return f"{minutes}:{seconds:02}"


def stored(
    session: DetectionSession, event_type: EventType
) -> list[tuple[float, dict[str, object]]]:
    events = session.events.filter(type=event_type).order_by("sequence")
    return list(events.values_list("ts_ms", "payload"))


def assert_shown_as_stored(page: Page, session: DetectionSession) -> None:
    """Each repetition with its time, and each cue with how often it came."""
    assert [cells[:2] for cells in rows(page, "rows")] == [
        [str(number), at(ts_ms)]
        for number, (ts_ms, _) in enumerate(stored(session, EventType.EVENT_COMPLETED), 1)
    ]
    cues = Counter(payload["message"] for _, payload in stored(session, EventType.FEEDBACK))
    assert dict(rows(page, "said")) == {
        cue: f"{times}\xa0\N{MULTIPLICATION SIGN}" for cue, times in cues.items()
    }


def test_the_figure_goes_through_the_whole_page(page: Page) -> None:
    page.goto("/try?speed=3")
    expect(page.locator("#place")).to_contain_text("Stand side-on to the camera")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    start(page)
    expect(page.locator("#live-heading")).to_be_focused()
    expect(page.locator("#state")).to_have_text("Counting")
    expect(page.locator("#count")).to_have_text(re.compile("[2-6]"), timeout=RUN_MS)
    expect(page.locator("#announced")).to_have_text(re.compile(r"^\d repetitions?"))
    expect(page.locator("#degrees")).to_have_text(re.compile(r"^\d+°$"))
    expect_summary(page, "Squat: 6 repetitions")
    session = DetectionSession.objects.get()
    assert (session.status, session.repetitions) == ("completed", {"squat": 6})
    assert_shown_as_stored(page, session)
    assert len(rows(page, "rows")) == 6
    facts = page.locator("#facts dd").all_inner_texts()
    assert facts[0] == "0:17"
    # From one stay at an end to the next, as the events say: standing still is no part of it.
    assert re.fullmatch(r"1\.[67]\xa0s", facts[1])
    assert re.fullmatch(r"7\d°", facts[2])
    assert len(facts) == 3
    assert notices(page) == []


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three curls, of somebody who is not seen for the first second."""
    frames = [tuple(one.landmarks) for one in perform("biceps-curl", repetitions=3, fps=25)]
    path = tmp_path / "curls.json.gz"
    whole = Recording(
        exercise="curl", count=3, rep_frames=None, fps=25, source="", frames=[None] * 25 + frames
    )
    save(path, whole)
    return path


def test_a_recording_is_counted(page: Page, recording: Path) -> None:
    page.get_by_role("radio", name="A recording").check()
    page.get_by_label("Recording file").set_input_files(recording)
    start(page, "A recording", "Biceps curl")
    expect_summary(page, "Biceps curl: 3 repetitions")
    session = DetectionSession.objects.get()
    assert session.repetitions == {"biceps-curl": 3}
    assert len(rows(page, "rows")) == 3


def test_a_run_is_saved_and_counted_again_as_another_movement(
    page: Page, recording: Path, tmp_path: Path
) -> None:
    page.get_by_role("radio", name="A recording").check()
    page.get_by_label("Recording file").set_input_files(recording)
    start(page, "A recording", "Biceps curl")
    expect_summary(page, "Biceps curl: 3 repetitions")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Save this recording").click()
    assert downloading.value.suggested_filename == "biceps-curl.json.gz"
    downloading.value.save_as(saved := tmp_path / "saved.json.gz")
    seen, kept = load(recording), load(saved)
    assert (kept.exercise, kept.fps, len(kept.frames)) == ("biceps-curl", 25, len(seen.frames))
    for one, other in zip(kept.frames, seen.frames, strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert [tuple(point) for point in one] == [
                pytest.approx(tuple(point), abs=1e-5) for point in other
            ]
    page.get_by_role("button", name="Count as another movement").click()
    expect(page.get_by_role("radio", name="A recording")).to_be_checked()
    expect(page.locator("#file-note")).to_contain_text("your last run")
    start(page, "A recording", "Lateral raise")
    expect_summary(page, "Lateral raise: 0 repetitions")
    page.get_by_role("button", name="Count as another movement").click()
    start(page, "A recording", "Biceps curl")
    expect_summary(page, "Biceps curl: 3 repetitions")
    assert DetectionSession.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"landmarks", "it is not JSON packed by gzip"),
        (gzip.compress(b'{"fps": 25, "frames": [null]}', mtime=0), "it has no frame with a pose"),
    ],
    ids=["no gzip", "no pose"],
)
def test_a_file_that_is_no_recording_is_told_and_no_session_is_made(
    page: Page, tmp_path: Path, content: bytes, why: str
) -> None:
    path = tmp_path / "other.json.gz"
    path.write_bytes(content)
    page.get_by_role("radio", name="A recording").check()
    page.get_by_label("Recording file").set_input_files(path)
    start(page, "A recording")
    expect(page.get_by_role("alert")).to_have_text(f"This file is no recording: {why}.")
    expect(page.get_by_role("alert")).to_be_focused()
    assert DetectionSession.objects.count() == 0


def tab_to(page: Page, name: str) -> None:
    """Tab until what has this name or text has the focus."""
    focused = "[document.activeElement].map(one => one.labels?.[0] ?? one)[0].textContent.trim()"
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate(focused).startswith(name):
            return
    raise AssertionError(f"No Tab leads to {name!r}.")


@pytest.mark.long
def test_by_keyboard_alone(page: Page) -> None:
    page.goto("/try")
    tab_to(page, "Squat")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#place")).to_contain_text("Lie down side-on to the camera")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#place")).to_contain_text("Stand side-on to the camera")
    tab_to(page, "You")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name=FIGURE)).to_be_checked()
    tab_to(page, "Start")
    page.keyboard.press("Enter")
    expect(page.locator("#live-heading")).to_be_focused()
    expect(page.locator("#count")).to_have_text(re.compile("[1-5]"), timeout=RUN_MS)
    tab_to(page, "Stop")
    page.keyboard.press("Enter")
    expect(page.locator("#summary")).to_be_visible(timeout=RUN_MS)
    counted = int(page.locator("#count").text_content() or "")
    assert 1 <= counted < 6
    expect_summary(page, "Squat: 1 repetition" if counted == 1 else f"Squat: {counted} repetitions")
    assert DetectionSession.objects.get().repetitions == {"squat": counted}
    tab_to(page, "Again")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    expect(page.get_by_role("radio", name=FIGURE)).to_be_checked()


@each_screen
def test_every_stage_is_accessible_and_fits(visit: Callable[..., Page], screens: Screens) -> None:
    inspection = Inspection(screens)
    page = visit()
    page.goto("/try")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("radio", name="A recording").check()
    inspection.check(page, "choose")
    start(page)
    expect(page.locator("#cue")).to_have_text(re.compile("Good depth"), timeout=RUN_MS)
    inspection.check(page, "live")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary")).to_be_visible(timeout=RUN_MS)
    inspection.check(page, "summary")
    page.get_by_role("button", name="Again").click()
    page.context.set_offline(True)
    start(page)
    expect(page.get_by_role("alert")).to_be_visible()
    inspection.check(page, "choose, with a problem")
    inspection.assert_no_problem()


def test_a_server_out_of_reach_is_told(page: Page) -> None:
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.context.set_offline(True)
    start(page)
    expect(page.get_by_role("alert")).to_have_text(
        "The server can't be reached. Check the connection, and try again in a minute."
    )
    assert DetectionSession.objects.count() == 0


def test_acks_that_do_not_come_and_a_network_that_goes_are_told(
    page: Page, runtime: Runtime
) -> None:
    """Before the connection is given up, and nothing is lost by it."""
    page.goto("/try?speed=2")
    start(page)
    state = page.locator("#state")
    waiting = "The server that counts doesn't answer. Trying again …"
    expect(page.locator("#count")).to_have_text(re.compile("[1-5]"), timeout=RUN_MS)
    with runtime.standing_still():
        expect(state).to_have_text(waiting, timeout=RUN_MS)
        page.context.set_offline(True)
        expect(state).to_have_text("You are offline. Waiting …")
        page.context.set_offline(False)
        expect(state).to_have_text(waiting)
    expect(state).to_have_text(re.compile("Counting|Finishing"), timeout=RUN_MS)
    expect_summary(page, "Squat: 6 repetitions")
    assert notices(page) == []
    assert DetectionSession.objects.get().repetitions == {"squat": 6}


@pytest.mark.long
def test_a_killed_runtime_loses_no_repetition(page: Page, runtime: Runtime) -> None:
    page.goto("/try?speed=2")
    start(page)
    expect(page.locator("#count")).to_have_text(re.compile("[2-5]"), timeout=RUN_MS)
    runtime.kill()
    expect(page.locator("#state")).to_have_text(
        "The server that counts doesn't answer. Trying again …"
    )
    runtime.start()
    # All of it may have been played meanwhile.
    expect(page.locator("#state")).to_have_text(re.compile("Counting|Finishing"), timeout=RUN_MS)
    expect_summary(page, "Squat: 6 repetitions")
    session = DetectionSession.objects.get()
    assert (session.status, session.repetitions) == ("completed", {"squat": 6})
    assert_shown_as_stored(page, session)
    assert notices(page) == []


def test_no_token_is_kept_anywhere(page: Page, web: WebServer, runtime: Runtime) -> None:
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("console", lambda message: said.append(message.text))
    with page.expect_response("**/try/sessions") as answered:
        start(page)
    answer = answered.value.json()
    secrets = [answer["access_token"], answer["session"]["runtime_token"]]
    expect_summary(page, "Squat: 6 repetitions")
    kept = page.evaluate(
        """async () => ({
          local: localStorage.length,
          session: sessionStorage.length,
          cookies: document.cookie,
          databases: (await indexedDB.databases()).length,
          caches: (await caches.keys()).length,
          address: location.href,
          history: history.state,
        })"""
    )
    assert kept == {
        "local": 0,
        "session": 0,
        "cookies": "",
        "databases": 0,
        "caches": 0,
        "address": page.url,
        "history": None,
    }
    assert page.context.cookies() == []
    assert runtime.server is not None
    logs = "".join(path.read_text() for path in (web.log, runtime.server.log))
    assert "POST /try/sessions 201" in logs
    assert any("/api/detection/stream/" in url for url in asked)
    for secret in secrets:
        signature = secret.rpartition(".")[2]
        assert signature not in "\n".join([page.url, logs, *asked, *said])
    page.reload()
    expect(page.locator("#choose")).to_be_visible()


RECORD_SPEECH = """
window.spoken = [];
speechSynthesis.speak = (utterance) => window.spoken.push(utterance.text);
"""


@pytest.mark.long
def test_cues_are_spoken_once_the_box_is_ticked(page: Page) -> None:
    page.add_init_script(RECORD_SPEECH)
    page.reload()
    start(page)
    expect_summary(page, "Squat: 6 repetitions")
    assert page.evaluate("spoken") == []
    page.get_by_role("button", name="Again").click()
    unfold(page)
    page.get_by_label("Speak the cues").check()
    start(page)
    expect_summary(page, "Squat: 6 repetitions")
    # Praise that each repetition earns is said once, and then by number.
    assert page.evaluate("spoken") == ["Cues are spoken.", "Good depth.", "5. Keep it up."]
