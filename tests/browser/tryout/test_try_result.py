"""The page at /try as it is sent to a friend: a target, what is read from afar, and the result."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from detection import compile  # noqa: A004 - as detection calls it
from movespecs.catalogue import catalogue_slugs, catalogue_text
from sessions_app.models import DetectionSession
from tests.browser.trying import RUN_MS, drawn, expect_summary, rows, start, unfold

pytestmark = pytest.mark.django_db(transaction=True)


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_the_address_chooses_movement_and_target_and_follows_the_choice(page: Page) -> None:
    page.goto("/try?movement=lunge&target=12&speed=8")
    expect(page.get_by_role("radio", name="Lunge", exact=True)).to_be_checked()
    expect(page.get_by_label("Target")).to_have_value("12")
    page.get_by_role("radio", name="Push-up").check()
    unfold(page)
    page.get_by_label("Target").select_option("30s")
    assert asked(page) == {"movement": ["push-up"], "target": ["30s"], "speed": ["8"]}
    page.get_by_label("Target").select_option("")
    assert asked(page) == {"movement": ["push-up"], "speed": ["8"]}


def test_a_reached_target_ends_the_run_and_its_result_may_be_shared(
    page: Page, tmp_path: Path
) -> None:
    page.goto("/try?movement=squat&target=3&speed=2")
    start(page)
    expect(page.locator("#unit")).to_have_text("of 3")
    expect(page.locator("#cue")).to_have_text("One more.", timeout=RUN_MS)
    expect(page.locator("#cue")).to_have_text("3. Done!", timeout=RUN_MS)
    expect_summary(page, "Squat: 3 repetitions")
    session = DetectionSession.objects.get()
    assert (session.status, session.repetitions) == ("completed", {"squat": 3})
    assert len(rows(page, "rows")) == 3
    expect(page.locator("#rows .details").first).to_contain_text(
        "Met: depth, thighs level, chest up, off the floor. Tempo: out 1.1\xa0s, stay 0."
    )
    assert dict(rows(page, "checked")) == dict.fromkeys(
        ("depth", "thighs level", "chest up", "off the floor"), "3 of 3"
    )
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Save picture").click()
    assert downloading.value.suggested_filename == "squat-3.png"
    picture = tmp_path / "squat.png"
    downloading.value.save_as(picture)
    content = picture.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (1_080, 1_080)
    assert drawn(page, "card") == 1_080 * 1_080


def test_an_app_gets_the_movespec_and_the_events_of_this_very_run(page: Page) -> None:
    start(page)
    expect_summary(page, "Squat: 6 repetitions")
    session = DetectionSession.objects.get()
    assert page.locator("#app-yaml").text_content() == session.resolved_version.yaml_source
    lines = (page.locator("#app-events").text_content() or "").splitlines()
    shown = [json.loads(line) for line in lines]
    assert len({event.pop("event_id") for event in shown}) == len(shown)
    assert shown == [
        {
            "session_id": str(session.id),
            "ts_ms": event.ts_ms,
            "type": event.type,
            "payload": event.payload,
        }
        for event in session.events.order_by("sequence")
    ]
    page.get_by_text("The script of your page").click()
    printed = 'console.log(payload.event_key); // "squat"'
    expect(page.locator("#app-script")).to_contain_text(printed)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link for a friend").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert urlsplit(copied)._replace(scheme="", netloc="").geturl() == "/try?movement=squat"


def picture(page: Page) -> str:
    return str(page.locator("#figure").evaluate("canvas => canvas.toDataURL()"))


@pytest.mark.long
def test_the_figure_loops_until_it_is_paused(page: Page) -> None:
    pause = page.get_by_role("button", name="Pause")
    expect(pause).to_be_visible()
    # Longer than what is shown, of which the last is not where it begins.
    page.wait_for_timeout(6_500)
    before = picture(page)
    page.wait_for_timeout(500)
    assert picture(page) != before
    pause.click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    paused = picture(page)
    page.wait_for_timeout(500)
    assert picture(page) == paused


LONGEST = max(
    (cue.message for slug in catalogue_slugs() for cue in compile(catalogue_text(slug)).feedback),
    key=len,
)
LAID_OUT = """
() => Object.fromEntries(["count", "cue", "stop"].map((id) => {
  const {top, bottom, left, right, height} = document.getElementById(id).getBoundingClientRect();
  return [id, {top, bottom, left, right, height}];
}))
"""
SHOW = "text => { const box = document.getElementById('cue'); box.firstChild.textContent = text; }"
SIZE = """
one => ({
  font: parseFloat(getComputedStyle(one).fontSize),
  over: one.scrollHeight - one.clientHeight,
})
"""


@pytest.mark.parametrize(("width", "height"), [(400, 720), (360, 640), (1280, 800)])
def test_number_and_cue_are_read_from_three_metres(
    visit: Callable[..., Page], width: int, height: int
) -> None:
    """A phone of 400 pixels is 68 mm wide: 35 of them are 6 mm, which is 7 arc minutes at 3 m.

    Normal sight reads 5.
    """
    page = visit(viewport={"width": width, "height": height})
    page.goto("/try?speed=2")
    start(page)
    expect(page.locator("#cue")).to_have_text("Good depth.", timeout=RUN_MS)
    page.evaluate(SHOW, LONGEST)
    page.evaluate("dispatchEvent(new Event('resize'))")
    laid_out = page.evaluate(LAID_OUT)
    for box in laid_out.values():
        assert 0 <= box["left"] < box["right"] <= width
        assert 0 <= box["top"] < box["bottom"] <= height
    size = page.locator("#cue").evaluate(SIZE)
    assert size["over"] <= 1
    assert size["font"] >= 35
    assert laid_out["count"]["height"] >= 130
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#summary")).to_be_visible(timeout=RUN_MS)
