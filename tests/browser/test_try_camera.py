"""The page at /try before a camera that shows a photograph, and where there is none."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from sessions_app.models import DetectionSession
from tests.browser.conftest import ADDRESSES, BEHIND_A_PROXY
from tests.browser.trying import drawn, start, unfold, use_up_sessions
from tests.module_servers import WebServer
from tests.node import built_clients
from tests.server import RuntimeServer
from tests.waiting import eventually
from tests.web.conftest import (
    ALLOWED,
    SOFTWARE_WEBGL,
    Launch,
    browser,
    film,
    launch,
    playwright,
    shows_film,
)

__all__ = ["browser", "film", "launch", "playwright", "shows_film"]

pytestmark = pytest.mark.django_db(transaction=True)

# Software draws what the landmarker asks of WebGL, on few processors.
CAMERA_MS = 120_000
WITHOUT_CAMERA = "The built-in figure needs no camera."


# A name that is neither this device's nor under TLS.
INSECURE_HOST = "app.test"


@pytest.fixture(scope="module", autouse=True)
def beside_playwright() -> Iterator[None]:
    """While Playwright runs, its event loop counts as running in this thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="module")
def web_environment(module_runtime: RuntimeServer) -> dict[str, str]:
    built_clients()
    return BEHIND_A_PROXY | {
        "PUBLIC_STREAM_URL": module_runtime.url,
        "TRY_SESSIONS": "1000000/10minutes",
        "ALLOWED_HOSTS": f"127.0.0.1,{INSECURE_HOST}",
    }


@pytest.fixture
def site(signing_key: None, catalogue: None, runtime: RuntimeServer, web: WebServer) -> str:
    return web.base_url


def opened(chromium: Browser, site: str) -> Page:
    page = chromium.new_page(base_url=site)
    page.goto("/try")
    return page


@pytest.mark.long
def test_somebody_in_the_picture_has_a_skeleton_and_is_streamed(
    browser: Browser, site: str
) -> None:
    page = browser.new_context(base_url=site, permissions=["camera"]).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/try")
    unfold(page)
    page.get_by_label("Countdown").select_option("0")
    start(page, "You")
    # She sits, and her knees are not in the picture.
    expect(page.locator("#state")).to_have_text(
        "Not all of you is in the picture. Step back.", timeout=CAMERA_MS
    )
    expect(page.locator("#degrees")).to_have_text("\N{EN DASH}")
    expect(page.locator("#video")).to_be_visible()
    assert drawn(page, "skeleton") > 500
    assert page.locator("#video").evaluate("video => getComputedStyle(video).transform") == (
        "matrix(-1, 0, 0, 1, 0, 0)"
    )
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary-heading")).to_have_text("Squat: 0 repetitions", timeout=CAMERA_MS)
    assert page.locator("#video").evaluate("video => video.srcObject") is None
    session = DetectionSession.objects.get()
    assert session.status == "completed"
    assert session.accepted_frames_total > 0
    # Nothing but the page's own host is asked for anything.
    assert all(url.startswith((site, "blob:", "data:")) for url in asked)


def expect_problem(page: Page, text: str, sessions: int = 0) -> None:
    expect(page.get_by_role("alert")).to_have_text(f"{text} {WITHOUT_CAMERA}", timeout=CAMERA_MS)
    expect(page.get_by_role("alert")).to_be_focused()
    assert DetectionSession.objects.count() == sessions


def test_a_browser_without_webgl_is_told(launch: Launch, shows_film: list[str], site: str) -> None:
    options = [option for option in shows_film if option not in SOFTWARE_WEBGL]
    with launch(ALLOWED, "--disable-3d-apis", *options) as chromium:
        page = opened(chromium, site)
        start(page, "You")
        expect_problem(
            page,
            "This browser has no WebGL, which finding a person needs. Turn on hardware "
            "acceleration in its settings, or take another browser.",
        )


def test_a_page_that_came_over_http_is_told(launch: Launch, site: str) -> None:
    port = site.rpartition(":")[2]
    with launch(ALLOWED, f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1") as chromium:
        page = opened(chromium, f"http://{INSECURE_HOST}:{port}")
        start(page, "You")
        expect_problem(
            page,
            "A browser gives a camera only to a page that came over https, or from this device. "
            "Open the page's https address.",
        )


KEEP_TRACKS = """
window.tracks = [];
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => {
  const media = await ask(asked);
  tracks.push(...media.getTracks());
  return media;
};
"""


def watched(browser: Browser, site: str) -> tuple[Page, list[str]]:
    """The page for a visitor who allows the camera; and what it asks for, as it does."""
    page = browser.new_context(
        base_url=site,
        permissions=["camera"],
        extra_http_headers={"X-Forwarded-For": next(ADDRESSES)},
    ).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(KEEP_TRACKS)
    page.goto("/try")
    return page, asked


def of_landmarker(asked: list[str]) -> list[str]:
    return [url for url in asked if "/pose/" in url]


def expect_camera_off(page: Page) -> None:
    """It was on, and its light is out."""
    assert page.evaluate("tracks.map(track => track.readyState)") == ["ended"]
    assert page.locator("#video").evaluate("video => video.srcObject") is None


def test_who_can_have_no_session_hears_it_before_the_landmarker_is_loaded(
    browser: Browser, site: str
) -> None:
    page, asked = watched(browser, site)
    created = use_up_sessions(page)
    start(page, "You")
    expect(page.get_by_role("alert")).to_have_text(
        "There were too many sessions lately. Try again in a minute."
    )
    expect_camera_off(page)
    assert of_landmarker(asked) == []
    assert DetectionSession.objects.count() == created


# A landmarker that is ready once it has come, and finds nobody.
FINDS_NOBODY = """
globalThis.Pose = class {
  setOptions() {}
  onResults() {}
  async initialize() {}
  async send() {}
  async close() {}
};
"""


def test_loading_shows_its_progress_and_a_countdown_leaves_time_to_step_back(
    browser: Browser, site: str
) -> None:
    page, _ = watched(browser, site)
    held: list[Route] = []
    page.route("**/pose/*.data", lambda route: held.append(route))
    # The real one is shown above. It keeps the page's thread busy, where no GPU draws for it.
    page.route(
        "**/pose/pose.js",
        lambda route: route.fulfill(content_type="text/javascript", body=FINDS_NOBODY),
    )
    unfold(page)
    page.get_by_label("Countdown").select_option("3")
    start(page, "You")
    expect(page.locator("#state")).to_have_text("Loading …", timeout=CAMERA_MS)
    expect(page.locator("#loading-amount")).to_have_text(
        re.compile(r"^0\.0 of 15\.\d MB$"), timeout=CAMERA_MS
    )
    eventually(lambda: bool(page.evaluate("1") and held), "the landmarker is loaded")
    held[0].continue_()
    for left in "321":
        expect(page.locator("#count.countdown")).to_have_text(left, timeout=CAMERA_MS)
    expect(page.locator("#loading")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("0", timeout=CAMERA_MS)
    page.get_by_role("button", name="Stop").click(timeout=CAMERA_MS)
    expect(page.locator("#summary")).to_be_visible(timeout=CAMERA_MS)


@pytest.mark.long
def test_stop_while_the_landmarker_loads_leaves_nothing(browser: Browser, site: str) -> None:
    page, asked = watched(browser, site)
    held: list[Route] = []
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    page.route("**/pose/*.data", lambda route: held.append(route))
    start(page, "You")
    eventually(lambda: bool(page.evaluate("1") and held), "the landmarker is loaded")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start")).to_be_focused()
    expect_camera_off(page)
    eventually(lambda: bool(page.evaluate("1") and failed), "what was loaded is given up")
    assert failed == of_landmarker(asked) == [held[0].request.url]
    assert DetectionSession.objects.get().status == "created"
