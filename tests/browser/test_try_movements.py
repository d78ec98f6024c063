"""Every movement of the catalogue at /try: the figure does it, and its number comes out."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from detection import compile  # noqa: A004 - as detection calls it
from dev.poses.figure import MOVEMENTS
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
IN_THE_GATE = ("plank", "alternating-lunges")


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
