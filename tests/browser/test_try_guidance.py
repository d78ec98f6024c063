"""The page at /try with a stream that the test plays: readiness, attempts, a hold, parameters."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.accessibility import Inspection, Screens, each_screen
from tests.browser.conftest import BEHIND_A_PROXY
from tests.browser.trying import FIGURE, rows, start, unfold
from tests.client.scripted_server import unpacked
from tests.node import built_clients

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "detection.movement"
READY = {"state": "ready", "missing": []}
SHOWS_FEET = {"state": "positioning", "missing": ["left_ankle", "right_heel", "view"]}
SIDEWAYS = {"state": "positioning", "missing": ["view"]}
DEPTH = {"name": "depth", "label": "Knee at the bottom", "default": 100, "min": 60, "max": 130}
SQUAT = {"setup": {"view": "side"}, "parameters": [DEPTH], "labels": {f"{PATH}.checks[0]": "depth"}}
RANGE = "91\N{EN DASH}178°"
PLANK = {"name": "Plank", "hold_ms": 30_000, "phases": ["held"], "event_key": "plank"}


@pytest.fixture(scope="module")
def web_environment() -> dict[str, str]:
    built_clients()
    return BEHIND_A_PROXY


class Played:
    """A stream whose server is the test: each batch is acknowledged with what it tells by then."""

    def __init__(self) -> None:
        self.socket: WebSocketRoute | None = None
        self.asked: dict[str, Any] = {}
        self.readiness: dict[str, Any] = READY
        self.held_ms: int | None = None
        self.done: dict[str, Any] = {}
        self.events = 0

    def create(self, route: Route) -> None:
        self.asked = route.request.post_data_json
        session = {
            "session_id": "s",
            "stream_url": "ws://stream.invalid/api/detection/stream/s",
            "runtime_token": "a.b.c",
        }
        answer = {"session": session, "access_token": "a", "movespec": "name: squat\n"}
        route.fulfill(status=201, json=answer)

    def attach(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.on_message(self._hear)
        self._say(
            "session_update",
            status="streaming",
            accepted_frames_total=0,
            readiness={"state": "no_person", "missing": []},
        )

    def _hear(self, text: str | bytes) -> None:
        message = json.loads(text) if isinstance(text, str) else unpacked(text)
        if message["type"] == "frame_batch":
            hold = {} if self.held_ms is None else {"hold": self._hold()}
            self._say(
                "frame_ack",
                batch_seq=message["batch_seq"],
                accepted_frames_total=1,
                readiness=self.readiness,
                **hold,
            )
        elif message["type"] == "finalize":
            self._say(
                "session_done",
                status="completed",
                terminal_outcome="completed",
                accepted_frames_total=1,
                error=None,
                **self.done,
            )

    def _hold(self) -> dict[str, Any]:
        return {"event_key": "plank", "held_ms": self.held_ms}

    def tell(self, type_: str, ts_ms: float, **payload: Any) -> None:
        self.events += 1
        event = {"event_id": f"{self.events}", "session_id": "s", "ts_ms": ts_ms, "type": type_}
        self._say("event_batch", batch_seq=1, events=[{**event, "payload": payload}])

    def complete(self, ts_ms: float, least: float, most: float, duration_ms: int) -> None:
        metrics = {
            "duration_ms": duration_ms,
            "steps": [],
            "measures": {"joint.knee": {"least": least, "most": most}},
            "form": None,
            "held_ms": None,
        }
        self.tell("event_completed", ts_ms, event_key="squat", score=1.0, metrics=metrics)

    def _say(self, type_: str, **fields: Any) -> None:
        assert self.socket is not None
        self.socket.send(json.dumps({"type": type_, **fields}))


@pytest.fixture
def played() -> Iterator[Played]:
    return Played()


def open_page(
    visit: Callable[..., Page], played: Played, movement: dict[str, Any], query: str = ""
) -> Page:
    """The page, whose squat is as `movement` says and whose stream is played."""

    def change(route: Route) -> None:
        answer = route.fetch()
        begin, data, end = re.split(
            r'(?<=id="try-data" type="application/json">)(.*?)(?=</script>)', answer.text()
        )
        told = json.loads(data)
        for one in told["movements"]:
            if one["slug"] == "squat":
                one.update(movement)
        # As Django writes it, nothing in it ends the element.
        data = json.dumps(told).replace("<", "\\u003C")
        route.fulfill(response=answer, body=f"{begin}{data}{end}")

    page = visit(viewport={"width": 1280, "height": 900})
    page.route(re.compile(r"/try(\?.*)?$"), change)
    page.route("**/try/sessions", played.create)
    page.route_web_socket("**/api/detection/stream/**", played.attach)
    page.goto(f"/try{query}")
    return page


def test_what_is_missing_is_told_until_it_counts(
    visit: Callable[..., Page], played: Played
) -> None:
    page = open_page(visit, played, SQUAT)
    played.readiness = SHOWS_FEET
    start(page)
    cue, state = page.locator("#cue"), page.locator("#state")
    expect(cue).to_have_text("Step back until I see your feet.")
    expect(state).to_have_text("Not counting yet")
    expect(page.locator("#announced")).to_have_text("Step back until I see your feet.")
    # What the movement's author says comes between, and what is missing stands there again.
    played.tell("feedback", 0, level="coaching", message="Turn your side to me.")
    expect(cue).to_have_text("Turn your side to me.")
    expect(cue).to_have_text("Step back until I see your feet.")
    played.readiness = SIDEWAYS
    expect(cue).to_have_text("Turn sideways to the camera.")
    played.readiness = READY
    expect(cue).to_have_text("Ready. Go!")
    expect(state).to_have_text("Counting")


def test_nobody_is_asked_in_by_a_text_as_large_as_a_cue(
    visit: Callable[..., Page], played: Played
) -> None:
    page = open_page(visit, played, SQUAT)

    def leave(route: Route) -> None:
        """After a second the figure is gone, and back after five."""
        answer = route.fetch()
        recording = json.loads(gzip.decompress(answer.body()))
        fps = int(recording["fps"])
        recording["frames"][fps : 5 * fps] = [None] * 4 * fps
        route.fulfill(response=answer, body=gzip.compress(json.dumps(recording).encode()))

    page.route("**/try/figures/*", leave)
    page.reload()
    start(page)
    cue, state = page.locator("#cue"), page.locator("#state")
    expect(state).to_have_text("Nobody in the picture")
    expect(cue).to_have_text("Step in, until all of you is in the picture.")
    assert cue.evaluate("it => parseFloat(getComputedStyle(it).fontSize)") > 30
    expect(state).to_have_text("Counting")
    expect(cue).to_have_text("")


def test_attempts_stand_beside_the_count_with_their_reason(
    visit: Callable[..., Page], played: Played
) -> None:
    page = open_page(visit, played, SQUAT)
    start(page)
    expect(page.locator("#state")).to_have_text("Counting")
    played.complete(1_000, 91.4, 177.9, 1_430)
    expect(page.locator("#last")).to_have_text(f"Last: {RANGE}, 1.4\xa0s")
    expect(page.locator("#attempts")).to_have_text("")
    path = f"{PATH}.phases[1].criteria[0]"
    played.tell("event_interrupted", 1_500, reason="not_reached", path=path, by=12.4)
    expect(page.locator("#attempts")).to_have_text("1 not counted: “bottom” missed by 12°")
    check = f"{PATH}.checks[0]"
    played.tell("event_interrupted", 1_600, reason="poor_form", path=check, by=5)
    expect(page.locator("#attempts")).to_have_text("2 not counted: form: depth missed by 5°")
    expect(page.locator("#count")).to_have_text("1")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary-heading")).to_have_text("Squat: 1 repetition")
    assert [cells[0::2] for cells in rows(page, "rows")] == [
        ["1", "1.4\xa0s"],
        ["\N{MULTIPLICATION SIGN}", "not counted: “bottom” missed by 12°"],
        ["\N{MULTIPLICATION SIGN}", "not counted: form: depth missed by 5°"],
    ]
    assert rows(page, "rows")[0][3] == RANGE


def test_a_hold_shows_its_seconds_and_its_target(
    visit: Callable[..., Page], played: Played
) -> None:
    page = open_page(visit, played, PLANK)
    unfold(page)
    expect(page.get_by_label("Target")).to_be_hidden()
    played.held_ms = 12_340
    start(page)
    expect(page.locator("#count")).to_have_text("12")
    expect(page.locator("#unit")).to_have_text("of 30 seconds")
    played.held_ms = 16_000
    expect(page.locator("#cue")).to_have_text("Halfway.")
    assert page.locator("#target-bar").evaluate("bar => bar.value") == pytest.approx(16 / 30)
    played.held_ms = 0
    expect(page.locator("#last")).to_have_text("Longest: 16.0\xa0s")
    expect(page.locator("#count")).to_have_text("0")
    played.tell("event_interrupted", 1_000, reason="not_reached", by=14_000)
    expect(page.locator("#attempts")).to_have_text("1 not counted: let go 14.0\xa0s early")
    counted = {"completed": 0, "attempts": {"not_reached": 1}, "by_side": None, "measures": {}}
    summary = {"plank": {**counted, "longest_ms": 17_250, "total_ms": 17_250}}
    played.done = {"repetitions": {}, "summary": summary}
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary-heading")).to_have_text("Plank: 17 seconds")
    expect(page.locator("#card")).to_be_visible()


def test_the_numbers_of_a_movement_may_be_chosen(
    visit: Callable[..., Page], played: Played
) -> None:
    page = open_page(visit, played, SQUAT)
    unfold(page)
    depth = page.get_by_label("Knee at the bottom")
    expect(depth).to_have_value("100")
    page.get_by_role("radio", name="Lunge", exact=True).check()
    expect(depth).to_be_hidden()
    page.get_by_role("radio", name="Squat").check()
    page.get_by_role("radio", name=FIGURE).check()
    depth.fill("59")
    page.get_by_role("button", name="Start").click()
    assert not depth.evaluate("input => input.validity.valid")
    assert played.asked == {}
    depth.fill("87.5")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#state")).to_have_text("Counting")
    assert played.asked == {"movement": "squat", "parameters": {"depth": 87.5}, "locale": "en"}


@each_screen
def test_what_is_told_is_accessible_and_fits(
    visit: Callable[..., Page], played: Played, screens: Screens
) -> None:
    inspection = Inspection(screens)
    page = open_page(visit, played, SQUAT)
    inspection.check(page, "choose, with a parameter")
    played.readiness = SHOWS_FEET
    start(page)
    expect(page.locator("#cue")).to_have_text("Step back until I see your feet.")
    inspection.check(page, "live, not ready")
    played.readiness = READY
    path = f"{PATH}.phases[1].criteria[0]"
    played.complete(1_000, 91.4, 177.9, 1_430)
    played.tell("event_interrupted", 1_500, reason="not_reached", path=path, by=12.4)
    expect(page.locator("#attempts")).to_contain_text("missed by")
    inspection.check(page, "live, with an attempt")
    inspection.assert_no_problem()
