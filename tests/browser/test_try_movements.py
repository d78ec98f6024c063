"""Every movement of the catalogue at /try: the figure does it, and its number comes out."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from detection import compile  # noqa: A004 - as detection calls it
from dev.poses.figure import MOVEMENTS, Variant, recorded
from dev.poses.recordings import save
from movespecs.catalogue import catalogue_text
from sessions_app.models import DetectionSession
from sessions_app.summary import counted_of
from tests.browser.trying import (
    FIGURE,
    RUN_MS,
    module_runtime,
    notices,
    page,
    rows,
    runtime,
    site,
    web_environment,
)
from tryout.movements import movements

__all__ = ["module_runtime", "page", "runtime", "site", "web_environment"]

pytestmark = pytest.mark.django_db(transaction=True)
NOT_COUNTED = "\N{MULTIPLICATION SIGN}"
IN_THE_GATE = ("plank", "alternating-lunges")
# How far from a screen a number is read whose digits are so high: about 200 times.
MIN_HIGH_PX = 100


@pytest.mark.parametrize(
    "movement",
    [
        pytest.param(
            one, id=one["slug"], marks=() if one["slug"] in IN_THE_GATE else pytest.mark.long
        )
        for one in movements()
    ],
)
def test_the_figure_is_counted_in_each_movement(page: Page, movement: dict[str, Any]) -> None:
    slug, figure = movement["slug"], MOVEMENTS[movement["slug"]]
    page.goto(f"/try?movement={slug}&speed=20")
    assert page.locator("#place").inner_text().startswith(figure.stance)
    page.get_by_role("radio", name=FIGURE).check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#count")).to_have_text(re.compile("[1-9]"), timeout=RUN_MS)
    heading = page.locator("#summary-heading")
    expect(heading).to_be_focused(timeout=RUN_MS)
    session = DetectionSession.objects.get()
    assert session.repetitions == {movement["event_key"]: figure.repetitions}
    if movement["hold_ms"] is None:
        expect(heading).to_have_text(f"{movement['name']}: {figure.repetitions} repetitions")
    else:
        longest_ms = counted_of(session.summary)[movement["event_key"]].longest_ms
        assert movement["hold_ms"] <= longest_ms < movement["hold_ms"] + 3_000
        expect(heading).to_have_text(f"{movement['name']}: {int(longest_ms / 1000)} seconds")
    shown = rows(page, "rows")
    has_sides = compile(catalogue_text(slug)).counts_each_side
    sides = ["left", "right"] * 3 if has_sides else [""] * len(shown)
    assert [cells[0] for cells in shown] == [
        f"{number} {side}".strip() for number, side in enumerate(sides, 1)
    ]
    assert notices(page) == []


def play(page: Page, tmp_path: Path, slug: str, variant: Variant, repetitions: int) -> None:
    """Give the page a recording of a figure that does a movement in another way."""
    path = tmp_path / "other.json.gz"
    save(path, recorded(MOVEMENTS[slug], repetitions=repetitions, variant=variant))
    page.goto(f"/try?movement={slug}&speed=8")
    page.get_by_role("radio", name="A recording").check()
    page.locator("#file").set_input_files(path)
    page.get_by_role("button", name="Start").click()


@pytest.mark.long
def test_a_hold_that_is_let_go_says_how_much_was_missing(page: Page, tmp_path: Path) -> None:
    play(page, tmp_path, "plank", Variant(name="short", fast=2.0), 1)
    count = page.locator("#count")
    expect(count).to_have_text(re.compile("[1-9]"), timeout=RUN_MS)
    shown = count.bounding_box()
    assert shown is not None
    assert shown["height"] > MIN_HIGH_PX
    expect(page.locator("#summary-heading")).to_have_text(
        re.compile(r"Plank: 1[4-6] seconds"), timeout=RUN_MS
    )
    [[mark, _, why]] = rows(page, "rows")
    assert mark == NOT_COUNTED
    assert re.fullmatch(r"not counted: let go 1[3-6]\.\d\s?s early", why)


@pytest.mark.long
def test_a_view_that_is_wrong_is_told_and_nothing_counts(page: Page, tmp_path: Path) -> None:
    play(page, tmp_path, "wall-sit", Variant(name="wrong-view", turned=90), 1)
    expect(page.locator("#cue")).to_have_text("Turn sideways to the camera.", timeout=RUN_MS)
    expect(page.locator("#state")).to_have_text("Not counting yet")
    expect(page.locator("#summary-heading")).to_have_text("Wall sit: 0 seconds", timeout=RUN_MS)


@pytest.mark.long
def test_who_gets_up_halfway_is_told_why_it_does_not_count(page: Page, tmp_path: Path) -> None:
    play(page, tmp_path, "sit-to-stand", Variant(name="shallow", shallow=0.5), 3)
    expect(page.locator("#attempts")).to_contain_text("not counted: ", timeout=RUN_MS)
    expect(page.locator("#summary-heading")).to_have_text(
        "Sit to stand: 0 repetitions", timeout=RUN_MS
    )
    assert rows(page, "rows")
    assert all(
        cells[0] == NOT_COUNTED and "“standing” missed" in cells[2] for cells in rows(page, "rows")
    )
