"""What the first page shows: a program, the events that it brings, and how well it counts."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from django.conf import settings

from guides.navigation import DOCS
from kynaplatform.http.highlighting import highlighted
from movespecs.accuracy import read_cards, why_experimental
from movespecs.catalogue import catalogue_slugs

SQUATS = settings.BASE_DIR / "guides" / "static" / "guides" / "squat.json"
# The first block of docs/start.md in this language is the program.
_PROGRAM = re.compile(r"^```javascript\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LICENCE = settings.BASE_DIR / "LICENSE"
# What the page shows of an event's payload.
SAID = ("shape_key", "event_key", "message")


@dataclass(frozen=True)
class Event:
    seconds: str
    type: str
    said: str


@dataclass(frozen=True)
class Counted:
    """How well a movement is counted, in per cent of the recordings."""

    slug: str
    movement: str
    within_one: int
    exact: int
    people: int
    experimental: bool


@dataclass(frozen=True)
class FirstPage:
    # What the figure shows while it is still: how often it has squatted, and its knee's degrees.
    count: int
    knee: int
    program: str
    # Those of the first squat; the page's script shows the others as they come.
    events: list[Event]
    best: Counted | None
    counted: list[Counted]
    # How many the catalogue has, and how many of them are experimental.
    movements: int
    experimental: int
    licence: str


@cache
def first_page() -> FirstPage:
    """Read once in each process."""
    squats = msgspec.json.decode(SQUATS.read_bytes())
    still_ms = squats["still"] * squats["step_ms"]
    program = _PROGRAM.search((DOCS / "start.md").read_text(encoding="utf-8"))
    counted, cards = _counted(), read_cards()
    movements = catalogue_slugs()
    return FirstPage(
        count=sum(
            event["type"] == "event_completed" and event["ts_ms"] <= still_ms
            for event in squats["events"]
        ),
        knee=squats["knee"][squats["still"]],
        program=highlighted(program.group(1) if program else "", "javascript"),
        events=_first_repetition(squats["events"]),
        best=next((one for one in counted if one.movement == "squat"), None),
        counted=counted,
        movements=len(movements),
        experimental=sum(bool(why_experimental(cards.get(slug))) for slug in movements),
        licence=_licence(),
    )


def _first_repetition(events: list[dict[str, Any]]) -> list[Event]:
    types = [event["type"] for event in events]
    return [
        Event(
            f"{event['ts_ms'] / 1000:.1f}",
            event["type"],
            str(next(event["payload"][key] for key in SAID if key in event["payload"])),
        )
        for event in events[: types.index("event_completed") + 1]
    ]


def _counted() -> list[Counted]:
    """The movements of which people were recorded, the best counted first."""
    found = [
        Counted(
            slug,
            slug.replace("-", " "),
            round(card.within_one * 100),
            round((card.exact or 0) * 100),
            card.people,
            card.experimental,
        )
        for slug, card in read_cards().items()
        if card.within_one is not None
    ]
    return sorted(found, key=lambda one: (-one.within_one, one.movement))


def _licence() -> str:
    """The first line of the project's licence, where its owner has given it one."""
    if not LICENCE.is_file():
        return ""
    return LICENCE.read_text(encoding="utf-8").strip().partition("\n")[0].strip()
