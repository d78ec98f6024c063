"""What a camera does beside finding a person: its clock, its end, and what it can't do."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.waiting import DEADLINE_SECONDS, eventually
from tests.web.conftest import ALLOWED, Host, Launch


@pytest.fixture
def page(browser: Browser, host: Host) -> Iterator[Page]:
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(host.url("camera.html"))
    yield page
    context.close()


def refused(browser: Browser, url: str, options: str = "{landmarker: nobody}") -> dict[str, Any]:
    """What start() rejects with, after checking that it was told, and that no camera is open."""
    page = browser.new_page()
    page.goto(url)
    refusal, kept, tracks = page.evaluate(
        f"""async () => {{
          const {{camera, kept}} = watched({options});
          return [await refusal(camera), kept, tracks.map((track) => track.readyState)];
        }}"""
    )
    assert refusal.pop("name") == "KynaError"
    assert kept["states"] == ["starting", "failed"]
    assert kept["errors"] == [{"code": refusal["code"], "message": refusal["message"]}]
    assert kept["moments"] == []
    assert "live" not in tracks
    return dict(refusal)


def test_a_refused_permission_says_where_to_allow_it(browser: Browser, host: Host) -> None:
    assert refused(browser, host.url("camera.html")) == {
        "code": "permission_denied",
        "message": "This page may not use the camera. Allow it beside the page's address, and in "
        "the device's settings, then start again.",
        "retryable": True,
    }


def test_a_device_id_that_no_camera_has(page: Page) -> None:
    refusal = page.evaluate("() => refusal(watched({landmarker: nobody, deviceId: 'x'}).camera)")
    assert refusal["code"] == "no_camera"


def test_a_camera_that_another_program_uses(page: Page) -> None:
    refusal, state = page.evaluate(
        """async () => {
          navigator.mediaDevices.getUserMedia = async () => {
            throw new DOMException("Could not start video source", "NotReadableError");
          };
          const {camera} = watched({landmarker: nobody});
          return [await refusal(camera), camera.state];
        }"""
    )
    assert refusal == {
        "name": "KynaError",
        "code": "camera_busy",
        "message": "The camera gives no picture. Close other programs and pages that use it, then "
        "start again.",
        "retryable": True,
    }
    assert state == "failed"


@pytest.mark.parametrize(
    ("context", "options", "which", "size"),
    [
        ({}, "", {"facingMode": "user"}, (1280, 720)),
        (
            {"has_touch": True, "is_mobile": True},
            "facing: 'environment'",
            {"facingMode": "environment"},
            (640, 480),
        ),
        ({}, "deviceId: 'x'", {"deviceId": {"exact": "x"}}, (1280, 720)),
    ],
)
def test_what_a_camera_is_asked_for(
    browser: Browser,
    host: Host,
    context: dict[str, Any],
    options: str,
    which: dict[str, Any],
    size: tuple[int, int],
) -> None:
    page = browser.new_context(**context).new_page()
    page.goto(host.url("camera.html"))
    asked = page.evaluate(
        f"""async () => {{
          let asked;
          navigator.mediaDevices.getUserMedia = async (constraints) => {{
            asked = constraints;
            throw new DOMException("", "NotAllowedError");
          }};
          await refusal(watched({{landmarker: nobody, {options}}}).camera);
          return asked;
        }}"""
    )
    width, height = size
    video = {"width": {"ideal": width}, "height": {"ideal": height}, "frameRate": {"ideal": 30}}
    assert asked == {"audio": False, "video": {**which, **video}}
    page.context.close()


def test_the_camera_that_looks_away_is_not_mirrored(page: Page) -> None:
    shown = page.evaluate(
        """async () => {
          const {getSettings} = MediaStreamTrack.prototype;
          MediaStreamTrack.prototype.getSettings = function () {
            return {...getSettings.call(this), facingMode: "environment"}; // as a phone's says
          };
          video.style.transform = "scaleX(-1)"; // of an earlier front camera
          const {camera} = watched({landmarker: nobody, facing: "environment"});
          await camera.start();
          return [camera.isMirrored, video.style.transform, overlay.style.transform];
        }"""
    )
    assert shown == [False, "", ""]


def test_a_landmarker_that_fails_ends_it(page: Page) -> None:
    kept, tracks = page.evaluate(
        """async () => {
          const detect = async () => { throw new Error("lost"); };
          const {camera, kept, until} = watched({landmarker: {detect, close() {}}});
          await camera.start();
          await until(({errors}) => errors.length);
          return [kept, tracks.map((track) => track.readyState)];
        }"""
    )
    assert kept == {
        "moments": [],
        "states": ["starting", "running", "failed"],
        "errors": [
            {
                "code": "landmarker_failed",
                "message": "The landmarker failed. Start the camera again, or load the page again.",
            }
        ],
    }
    assert tracks == ["ended"]


def test_a_camera_that_is_taken_away_is_told(page: Page) -> None:
    page.evaluate(
        """async () => {
          globalThis.watch = watched({landmarker: nobody});
          await watch.camera.start();
        }"""
    )
    page.context.clear_permissions()
    page.evaluate("() => watch.until(({errors}) => errors.length)")
    states, errors = page.evaluate("() => [watch.kept.states, watch.kept.errors]")
    assert states == ["starting", "running", "failed"]
    assert errors == [
        {
            "code": "camera_lost",
            "message": "The camera was taken away. Connect it or allow it again, then start again.",
        }
    ]
    page.context.grant_permissions(["camera"])
    assert page.evaluate("() => refusal(watch.camera)") is None
    assert page.evaluate("() => watch.camera.state") == "running"


def test_between_permission_and_landmarker_a_page_may_ask_for_its_session(page: Page) -> None:
    told = page.evaluate(
        """async () => {
          let isLoaded = false;
          const landmarker = {detect: async () => null, close() {}};
          const {camera, kept, until} = watched({landmarker: {
            then: (resolve) => { isLoaded = true; resolve(landmarker); },
          }});
          const opened = await camera.open();
          const between = {
            state: camera.state,
            isShown: video.srcObject.active && !video.paused,
            transform: video.style.transform,
            isLoaded,
          };
          const isSame = opened.start() === opened.start() && opened.start() === camera.start();
          await opened.start();
          await until(({moments}) => moments.length);
          return {between, isSame, isLoaded, states: kept.states, tracks: tracks.length};
        }"""
    )
    assert told == {
        "between": {
            "state": "starting",
            "isShown": True,
            "transform": "scaleX(-1)",
            "isLoaded": False,
        },
        "isSame": True,
        "isLoaded": True,
        "states": ["starting", "running"],
        "tracks": 1,
    }


def test_stop_between_the_steps_leaves_nothing_and_the_second_starts_nothing(page: Page) -> None:
    told = page.evaluate(
        """async () => {
          const {camera, kept} = watched({files: "/pose/", model: "lite"});
          const opened = await camera.open();
          camera.stop();
          const stopped = [video.srcObject, tracks.map((track) => track.readyState)];
          await opened.start();
          const files = performance.getEntriesByType("resource").map(({name}) => name);
          return {
            stopped,
            state: camera.state,
            states: kept.states,
            tracks: tracks.length,
            files: files.filter((name) => name.includes("/pose/")),
          };
        }"""
    )
    assert told == {
        "stopped": [None, ["ended"]],
        "state": "stopped",
        "states": ["starting", "stopped"],
        "tracks": 1,
        "files": [],
    }


def test_stop_while_the_landmarker_loads_gives_its_files_up(page: Page, host: Host) -> None:
    name = "pose_solution_packed_assets.data"
    failed: list[str] = []
    page.on("requestfailed", lambda request: failed.append(request.url))
    host.stalled = {name}
    host.going_on.clear()
    page.evaluate(
        """async () => {
          globalThis.watch = watched({files: "/pose/", model: "lite"});
          await watch.camera.open();
          globalThis.started = watch.camera.start();
        }"""
    )
    eventually(lambda: page.evaluate("1") and not host.stalled, "the landmarker is loaded")
    assert page.evaluate("async () => { watch.camera.stop(); await started; }") is None
    eventually(lambda: bool(page.evaluate("1") and failed), "what was loaded is given up")
    host.going_on.set()
    assert failed == [host.url(f"pose/{name}")]
    assert page.evaluate("() => [watch.kept.states, tracks[0].readyState]") == [
        ["starting", "stopped"],
        "ended",
    ]


def test_what_a_callback_throws_is_the_page_s(page: Page) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(error.message))
    moments = page.evaluate(
        """async () => {
          let moments = 0;
          const {camera} = watched({
            landmarker: nobody,
            onState: () => { throw new Error("of the state"); },
            onMoment: () => {
              moments += 1;
              throw new Error("of the moment");
            },
          });
          await camera.start();
          while (moments < 3) await new Promise(requestAnimationFrame);
          const {state} = camera;
          camera.stop();
          return [state, moments];
        }"""
    )
    assert moments == ["running", 3]
    assert set(said) == {"of the state", "of the moment"}


def test_a_landmarker_that_hangs_has_failed(page: Page) -> None:
    page.clock.install()
    page.evaluate(
        """async () => {
          globalThis.isAsked = false;
          const detect = () => new Promise(() => { isAsked = true; });
          globalThis.watch = watched({landmarker: {detect, close() {}}});
          await watch.camera.start();
        }"""
    )
    eventually(lambda: page.evaluate("isAsked"), "a picture came")
    # The time that really passes meanwhile counts as well.
    page.clock.fast_forward(15_000)
    assert page.evaluate("watch.camera.state") == "running"
    page.clock.fast_forward(16_000)
    assert page.evaluate("watch.kept.errors[0].code") == "landmarker_failed"


def test_the_clock_is_the_medias_from_the_first_pictures_time_of_day(page: Page) -> None:
    moments, pictures, origin = page.evaluate(
        """async () => {
          const pictures = [];
          const ask = video.requestVideoFrameCallback.bind(video);
          video.requestVideoFrameCallback = (callback) =>
            ask((now, picture) => {
              pictures.push([now, picture.mediaTime]);
              callback(now, picture);
            });
          const {camera, kept, until} = watched({landmarker: nobody});
          await camera.start();
          await until(({moments}) => moments.length === 10);
          camera.stop();
          return [kept.moments, pictures.slice(0, 10), performance.timeOrigin];
        }"""
    )
    assert [(moment["landmarks"], moment["image"]) for moment in moments] == [(None, None)] * 10
    first_now, first_media = pictures[0]
    assert [moment["timestampMs"] for moment in moments] == pytest.approx(
        [origin + first_now + (media - first_media) * 1000 for _, media in pictures], abs=0.01
    )


def test_a_hidden_page_tells_a_moment_of_nobody_and_goes_on_by_the_same_clock(
    launch: Launch, shows_film: list[str], host: Host
) -> None:
    with launch(ALLOWED, *shows_film) as browser:
        # Playwright keeps its own pages visible, so these are opened beside it.
        devtools = browser.new_browser_cdp_session()
        profile = devtools.send("Target.createBrowserContext")

        def tab(url: str) -> dict[str, Any]:
            return devtools.send("Target.createTarget", {"url": url, **profile})

        watched = tab(host.url("hidden.html"))
        seen = host.told.get(timeout=DEADLINE_SECONDS)
        devtools.send("Target.activateTarget", tab("about:blank"))
        assert host.told.get(timeout=DEADLINE_SECONDS) == "hidden"
        nobody = host.told.get(timeout=DEADLINE_SECONDS)
        devtools.send("Target.activateTarget", watched)
        # The first picture may come before the page is told that it is seen.
        back = [host.told.get(timeout=DEADLINE_SECONDS), host.told.get(timeout=DEADLINE_SECONDS)]
        assert back.count("visible") == 1
        [again] = [told for told in back if told != "visible"]
        assert host.told.empty()
        devtools.send("Target.disposeBrowserContext", profile)
    assert [told["isNobody"] for told in (seen, nobody, again)] == [False, True, False]
    # After the last picture 2 s lose the pose; a hidden page's timers tick each second.
    assert nobody["timestampMs"] - nobody["last"] >= 2_000
    assert again["last"] == nobody["timestampMs"]
    assert again["timestampMs"] > nobody["timestampMs"]
    for told in (seen, nobody, again):
        assert told["timestampMs"] == pytest.approx(told["now"], abs=1000 * DEADLINE_SECONDS)
