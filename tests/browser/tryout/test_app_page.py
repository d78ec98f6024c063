"""The session page in Chromium: alone, and in a frame of an app's page on another origin"""

import json
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode

import pytest
from playwright.sync_api import Page, expect

from projects.models import Project
from sessions_app.models import DetectionSession
from tests.browser.accessibility import assert_accessible, assert_accessible_and_fits
from tests.browser.trying import RUN_MS, notices, rows
from tests.conftest import SESSIONS, Machine
from tests.documented import block
from tests.node import WEB

pytestmark = pytest.mark.django_db(transaction=True)

# What the snippet of docs/session-page.md is pasted into.
PAGE = """<!doctype html><title>An app</title>
<script type="importmap">{"imports": {"@kynaplatform/web": "/web/index.js"}}</script>
<script>
window.told = [];
addEventListener("message", ({data, origin}) => told.push({...data, origin}));
</script>
"""


class App(SimpleHTTPRequestHandler):
    """An app's page, its package, and its server that creates sessions."""

    extensions_map = {".js": "text/javascript", "": "text/html"}
    page = ""
    created: dict[str, object] = {}

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def translate_path(self, path: str) -> str:
        return str(WEB / "dist" / path.rpartition("/")[2])

    def do_GET(self) -> None:
        if self.path == "/":
            self.answer(self.page)
        else:
            super().do_GET()

    def do_POST(self) -> None:
        self.answer(json.dumps(self.created))

    def answer(self, body: str) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.fixture
def app(site: str) -> Iterator[str]:
    """The origin of an app."""
    snippet = block("docs/session-page.md", "listenToSessionPage(").text
    # The figure moves in place of a camera.
    snippet = snippet.replace(", created);", ', created) + "&figure=squat";')
    App.page = PAGE + snippet.replace("https://kyna.example", site)
    server = ThreadingHTTPServer(("127.0.0.1", 0), App)
    Thread(target=server.serve_forever).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def create(page: Page, owner: Machine) -> dict[str, str]:
    """A session that its second squat ends."""
    body = {
        "mode": "live",
        "project_id": str(owner.project.id),
        "movement": "catalogue/squat",
        "target": {"repetitions": 2},
    }
    bearer = {"Authorization": f"Bearer {owner.token}"}
    created: dict[str, str] = page.request.post(SESSIONS, data=body, headers=bearer).json()
    return created


def link(page: Page, owner: Machine, **fragment: str) -> str:
    """The path of the page for a new session, with the built-in figure before it."""
    created = create(page, owner)
    asked = {"session": created["session_id"], "token": created["runtime_token"], **fragment}
    return f"/session/{owner.project.id}#{urlencode(asked)}"


def test_it_counts_to_the_target_and_returns(
    site: str, visit: Callable[..., Page], owner: Machine
) -> None:
    returns = f"{site}/docs/"
    Project.objects.filter(id=owner.project.id).update(
        page_name="Knee Club", page_color="#7a1fa2", page_returns=returns
    )
    page = visit(viewport={"width": 400, "height": 800})
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(f"{request.url} {request.headers}"))
    path = link(page, owner, figure="squat", **{"return": f"{returns}?week=3"})
    token = parse_qs(path.partition("#")[2])["token"][0]
    page.goto(path)
    expect(page.locator("#movement")).to_have_text("Squat")
    expect(page.get_by_text("Knee Club")).to_be_visible()
    expect(page.locator("#goal")).to_have_text("2 repetitions, then it ends by itself.")
    button = page.get_by_role("button", name="Start")
    assert button.evaluate("it => getComputedStyle(it).backgroundColor") == "rgb(122, 31, 162)"
    assert_accessible(page)
    button.click()
    expect(page.locator("#state")).to_have_text("Counting", timeout=RUN_MS)
    assert_accessible(page)
    expect(page.locator("#summary-heading")).to_have_text("Squat: 2 repetitions", timeout=RUN_MS)
    assert_accessible_and_fits(page)
    assert len(rows(page, "rows")) == 2
    assert notices(page) == []
    session = DetectionSession.objects.get()
    assert (session.status, session.ended_by) == ("completed", "target")
    # The token is in no address but the bearer of one request, and in nothing that a page keeps.
    kept = page.evaluate(
        "JSON.stringify([location.href, history.state, document.cookie, document.referrer,"
        " {...localStorage}, {...sessionStorage}])"
    )
    assert token not in kept
    assert [one.partition(" ")[0] for one in addresses if token in one] == [
        f"{site}{SESSIONS}/{session.id}/movement"
    ]
    page.get_by_role("button", name="Done").click()
    page.wait_for_url(f"{returns}?week=3&session_id={session.id}&outcome=completed")


def test_an_app_that_may_frame_it_is_told_and_no_other(
    site: str, visit: Callable[..., Page], owner: Machine, app: str
) -> None:
    page = visit(viewport={"width": 1280, "height": 900})
    projects = Project.objects.filter(id=owner.project.id)
    projects.update(page_frames="https://other.example")
    App.created = create(page, owner)
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(app)
    assert page.evaluate("told") == []
    projects.update(page_frames=f"https://other.example\n{app}")
    page.goto(app)
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Start").click()
    expect(frame.locator("#summary-heading")).to_have_text("Squat: 2 repetitions", timeout=RUN_MS)
    frame.get_by_role("button", name="Done").click()
    page.wait_for_function("told.at(-1)?.type === 'done'")
    expect(page.locator("iframe")).to_have_count(0)
    told = page.evaluate("told")
    session = DetectionSession.objects.get(status="completed")
    common = {"from": "kynaplatform", "version": 1, "sessionId": str(session.id), "origin": site}
    assert all(common.items() <= event.items() for event in told)
    main = [event for event in told if event["type"] not in ("cue", "readiness")]
    ready, first, second, ended, _ = main
    assert [event["type"] for event in main] == ["ready", "counted", "counted", "ended", "done"]
    assert ready["movement"] == first["eventKey"] == "squat"
    assert [first["number"], second["number"]] == [1, 2]
    assert first["metrics"]["duration_ms"] > 0
    assert (ended["error"], ended["end"]["endedBy"]) == (None, "target")
    assert ended["end"]["repetitions"] == {"squat": 2}
    assert ended["end"]["summary"]["squat"]["completed"] == 2
    assert {event["state"] for event in told if event["type"] == "readiness"} >= {"ready"}
    assert {event["message"] for event in told if event["type"] == "cue"} == {"Good depth."}


def test_what_it_can_not_do_is_said(
    site: str, visit: Callable[..., Page], owner: Machine, peer: Machine
) -> None:
    page = visit()
    alert, start = page.get_by_role("alert"), page.get_by_role("button", name="Start")
    over = "This session is over, or its link is no longer valid. Go back and begin again."
    page.goto(f"/session/{owner.project.id}")
    expect(alert).to_have_text("This link is not complete. Go back and open it again.")
    assert_accessible(page)
    # An app may open one link after the other in the same frame.
    page.goto(link(page, owner, token="garbage"))
    expect(alert).to_have_text(over)
    # A link in one customer's name to another's session.
    page.goto(link(page, peer).replace(str(peer.project.id), str(owner.project.id)))
    expect(alert).to_have_text(over)
    expect(start).to_be_hidden()
    # A browser without a camera, and the session waits for another try.
    page.goto(link(page, owner))
    start.click()
    expect(alert).to_contain_text("camera")
    expect(alert).to_be_focused()
    expect(start).to_be_visible()
    assert {session.status for session in DetectionSession.objects.all()} == {"created"}


def test_it_speaks_where_it_can_and_returns_nowhere_that_staff_did_not_list(
    site: str, visit: Callable[..., Page], owner: Machine
) -> None:
    page = visit(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    # As in a WebView of Android.
    page.add_init_script("delete globalThis.speechSynthesis")
    page.goto(link(page, owner, figure="squat", speak="1", **{"return": "https://evil.example/"}))
    assert_accessible(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#summary-heading")).to_have_text("Squat: 2 repetitions", timeout=RUN_MS)
    for name in ("Done", "Leave"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
