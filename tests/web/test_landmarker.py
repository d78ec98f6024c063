"""A fake camera shows a photograph, in which the landmarker finds the person, offline."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from detection.landmarks import LANDMARK_NAMES
from tests.long_runs import at_length
from tests.waiting import eventually
from tests.web.conftest import POLICY, Host

# What a load of the lite model takes.
FILES = [
    "pose.js",
    "pose_landmark_lite.tflite",
    "pose_solution_packed_assets.data",
    "pose_solution_packed_assets_loader.js",
    "pose_solution_simd_wasm_bin.js",
    "pose_solution_simd_wasm_bin.wasm",
    "pose_web.binarypb",
]
SCRIPTS = [name for name in FILES if name.endswith(".js")]
# What is asked for before these came.
WITHOUT = {"pose_solution_packed_assets.data": [], "pose.js": ["pose_solution_packed_assets.data"]}
FILE_MS = 120_000
NOSE, LEFT_EYE, RIGHT_EYE, LEFT_SHOULDER, RIGHT_SHOULDER = 0, 2, 5, 11, 12
SHOWN = """async () => {
  const {camera, kept, until} = watched({files: "/pose/", model: "lite"});
  const context = overlay.getContext("2d");
  const drawn = () => {
    const {width, height} = overlay;
    const {data} = context.getImageData(0, 0, width, height);
    const columns = [];
    for (let n = 0; n < data.length; n += 4) if (data[n + 3]) columns.push((n / 4) % width);
    return columns.length ? columns.reduce((sum, x) => sum + x) / columns.length / width : null;
  };
  await camera.start();
  const atStart = {state: camera.state, isMirrored: camera.isMirrored};
  await until(({moments}) => moments.some(({landmarks}) => landmarks));
  const shown = {
    ...atStart,
    moment: kept.moments.find(({landmarks}) => landmarks),
    transforms: [video, overlay].map((element) => getComputedStyle(element).transform),
    drawn: drawn(),
    size: [video.videoWidth, video.videoHeight],
  };
  camera.stop();
  camera.stop();
  return {
    ...shown,
    tracks: tracks.map(({kind, readyState}) => [kind, readyState]),
    isVideoLetGo: video.srcObject === null,
    drawnAtEnd: drawn(),
    states: kept.states,
    errors: kept.errors,
  };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, host: Host) -> Iterator[Page]:
    context = browser.new_context(permissions=["camera"])
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def asked(page: Page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked


@pytest.fixture(scope="module")
def forbidden(page: Page) -> list[str]:
    forbidden: list[str] = []
    page.on(
        "console",
        lambda said: "Content Security Policy" in said.text and forbidden.append(said.text),
    )
    return forbidden


@pytest.fixture(scope="module")
def shown(page: Page, host: Host, asked: list[str], forbidden: list[str]) -> dict[str, Any]:
    host.asked.clear()
    page.goto(host.url("camera.html"))
    shown: dict[str, Any] = page.evaluate(SHOWN)
    return shown


def test_it_finds_33_landmarks_of_the_world_and_of_the_picture(shown: dict[str, Any]) -> None:
    for landmarks in (shown["moment"]["landmarks"], shown["moment"]["image"]):
        assert len(landmarks) == len(LANDMARK_NAMES)
        assert all(0 <= point["visibility"] <= 1 for point in landmarks)
    world = shown["moment"]["landmarks"]
    hips = [sum(world[index][axis] for index in (23, 24)) / 2 for axis in "xyz"]
    assert hips == pytest.approx([0, 0, 0], abs=0.05)


def test_it_finds_the_person_of_the_photograph(shown: dict[str, Any]) -> None:
    image = shown["moment"]["image"]
    # She looks at the camera: her left is on the picture's right.
    assert image[RIGHT_EYE]["x"] < image[NOSE]["x"] < image[LEFT_EYE]["x"]
    assert image[LEFT_EYE]["y"] < image[NOSE]["y"] < image[LEFT_SHOULDER]["y"]
    assert image[RIGHT_SHOULDER]["x"] < image[LEFT_SHOULDER]["x"]
    assert all(image[index]["visibility"] > 0.9 for index in (NOSE, LEFT_EYE, RIGHT_EYE))
    world = shown["moment"]["landmarks"]
    assert world[NOSE]["y"] < world[LEFT_SHOULDER]["y"] < 0
    assert world[RIGHT_SHOULDER]["x"] < world[LEFT_SHOULDER]["x"]


def test_it_is_mirrored_for_the_eye_and_not_for_the_data(shown: dict[str, Any]) -> None:
    assert shown["isMirrored"] is True
    assert shown["transforms"] == ["matrix(-1, 0, 0, 1, 0, 0)"] * 2
    # Her nose is in the left half of the film, in the middle of the photograph.
    assert shown["moment"]["image"][NOSE]["x"] == pytest.approx(0.33, abs=0.05)
    # The overlay is drawn as the picture is, and mirrored with it.
    assert shown["drawn"] == pytest.approx(0.33, abs=0.1)


def test_stop_ends_the_track_and_clears_the_overlay(shown: dict[str, Any]) -> None:
    assert shown["tracks"] == [["video", "ended"]]
    assert shown["isVideoLetGo"] is True
    assert shown["drawnAtEnd"] is None
    assert shown["states"] == ["starting", "running", "stopped"]
    assert shown["errors"] == []


def test_it_asks_its_own_host_for_each_file_once_and_no_other_host(
    shown: dict[str, Any], asked: list[str], forbidden: list[str], host: Host
) -> None:
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {
        f"127.0.0.1:{host.server_port}"
    }
    assert sorted(host.asked) == sorted(FILES)
    assert forbidden == []


def test_what_a_load_leaves_of_the_page_is_as_it_was(page: Page, shown: dict[str, Any]) -> None:
    left = page.evaluate(
        "() => [fetch.toString(), document.querySelectorAll('head script[crossorigin]').length]"
    )
    assert left == ["function fetch() { [native code] }", 0]


@pytest.mark.long
@pytest.mark.parametrize("name", ["pose.js", "pose_landmark_lite.tflite"])
def test_a_file_that_is_missing_is_named_and_the_next_start_may_find_it(
    name: str, browser: Browser, host: Host
) -> None:
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    host.missing = {name}
    page.goto(host.url("camera.html"))
    page.evaluate("() => globalThis.watch = watched({files: '/pose/', model: 'lite'})")
    refusal = page.evaluate("() => refusal(watch.camera)")
    assert refusal == {
        "name": "KynaError",
        "code": "models_unavailable",
        "message": f"A file of the landmarker did not load: /pose/{name}. Look whether it is there "
        "and whether the page's Content-Security-Policy lets it load, then start again.",
        "retryable": True,
    }
    assert page.evaluate("() => [watch.kept.states, tracks.map((track) => track.readyState)]") == [
        ["starting", "failed"],
        ["ended"],
    ]
    host.missing = set()
    assert page.evaluate("() => refusal(watch.camera)") is None
    assert page.evaluate("() => [watch.camera.state, video.srcObject.active]") == ["running", True]
    context.close()


@pytest.mark.long
def test_a_policy_without_webassembly_is_named(browser: Browser, host: Host) -> None:
    page = browser.new_context(permissions=["camera"]).new_page()
    host.policy = POLICY.replace(" 'wasm-unsafe-eval'", "")
    page.goto(host.url("camera.html"))
    refusal = page.evaluate("() => refusal(watched({files: '/pose/'}).camera)")
    host.policy = POLICY
    assert refusal == {
        "name": "KynaError",
        "code": "models_unavailable",
        "message": "The landmarker's files loaded, but did not start. The page's "
        "Content-Security-Policy needs 'wasm-unsafe-eval' in its script-src, and all files have to "
        "be of one version of @mediapipe/pose.",
        "retryable": False,
    }
    page.context.close()


@pytest.fixture
def loading(browser: Browser, host: Host) -> Iterator[Page]:
    """A page whose timers stand still, at which `load()` tells what comes of a load."""
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(host.url("camera.html"))
    page.evaluate(
        """() => {
          delete AbortSignal.any; // as in browsers of 2023
          globalThis.load = (call) =>
            kyna.loadLandmarker({files: "/pose/", model: "lite"}, call).then(
              () => "loaded",
              ({code, message, details, name}) =>
                name === "KynaError" ? {code, message, details} : name,
            );
        }"""
    )
    host.asked.clear()
    host.going_on.clear()
    yield page
    host.stalled.clear()
    host.going_on.set()
    context.close()


def begin(page: Page, host: Host, name: str) -> None:
    """Begin a load for which this file stalls, and let the others come."""
    came: list[str] = []
    page.on("response", lambda response: came.append(urlsplit(response.url).path))
    host.stalled = {name}
    page.evaluate("() => { globalThis.first = load(); }")
    eventually(lambda: page.evaluate("1") and name in host.asked, f"{name} is asked for")
    others = {f"/pose/{one}" for one in WITHOUT.get(name, FILES) if one != name}
    eventually(lambda: page.evaluate("1") and others <= set(came), "the others came")
    if name not in SCRIPTS and name not in WITHOUT:
        has_run = "typeof globalThis.createMediapipeSolutionsWasm === 'function'"
        eventually(lambda: bool(page.evaluate(has_run)), "the scripts have run")


@at_length("name", "pose_landmark_lite.tflite", *[one for one in FILES if "lite" not in one])
def test_a_file_that_stalls_ends_its_load_by_the_deadline_and_the_next_begins_anew(
    name: str, loading: Page, host: Host
) -> None:
    begin(loading, host, name)
    loading.clock.run_for(FILE_MS)
    assert loading.evaluate("() => first") == {
        "code": "models_unavailable",
        "message": f"A file of the landmarker did not load within 120 s: /pose/{name}. "
        "Check the connection, then start again.",
        "details": {"url": f"/pose/{name}"},
    }
    host.asked.clear()
    assert loading.evaluate("() => load()") == "loaded"
    assert host.asked.count(name) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", ["pose.js"])
def test_two_loads_take_turns_at_scripts(name: str, loading: Page, host: Host) -> None:
    begin(loading, host, name)
    loading.evaluate("() => { globalThis.second = load(); }")
    host.going_on.set()
    assert loading.evaluate("() => Promise.all([first, second])") == ["loaded", "loaded"]
    assert host.asked.count("pose.js") == 1


@at_length("name", *FILES)
def test_a_load_that_is_given_up_ends_at_once(name: str, loading: Page, host: Host) -> None:
    host.stalled = {name}
    loading.evaluate(
        """() => {
          globalThis.given = new AbortController();
          globalThis.first = load({signal: given.signal});
        }"""
    )
    eventually(lambda: loading.evaluate("1") and name in host.asked, f"{name} is asked for")
    assert loading.evaluate("() => { given.abort(); return first; }") == "AbortError"
    assert loading.evaluate("() => load()") == "loaded"
