"""The pictures of the course: a body in each phase, and an angle over time with what was counted.

Each shows the first run of its page, unless it names another.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from detection import (
    JOINT_LANDMARKS,
    Criterion,
    DetectionEvent,
    Measure,
)
from dev.poses.figure import Movement, landmarks
from dev.replay.engine_run import LEFT as LEFT_SIDE
from dev.replay.engine_run import PAIR, EngineRun, measures_of, stays
from dev.replay.engine_run import RIGHT as RIGHT_SIDE
from dev.replay.event_lines import COMPLETED, INTERRUPTED
from dev.tools.bodies import Picture, angle_of, number, placed, spot
from dev.tools.course import FOLDER, Run, runs
from sessions_app.attempt_words import criterion_words

WIDTH, LEFT, RIGHT = 560, 44, 96
BODIES, CHART, SCALE, VERTICAL = 232, 216, 102.0, 52
NOT_READY_WIDE = 80
TURNS = {0.0: "from the side", 90.0: "from the front"}
# Okabe and Ito's, which people who see fewer colours can tell apart.
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7")
CROSS = "\N{MULTIPLICATION SIGN}"
STYLE = """<style>
svg { font: 15px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
text { fill: #526060; } .paper { fill: #ffffff; } .line { stroke: #dbe5e4; }
.near, .trunk, .right, .pair { stroke: #12403f; } .far, .left { stroke: #9fb5b3; }
.head { fill: #12403f; } .arc { stroke: #0b7a75; } .name { fill: #0a655f; font-weight: 600; }
.done { stroke: #1a7f37; } .missed { stroke: #b3261e; } .cue { fill: #8a6100; }
text.done { fill: #1a7f37; stroke: none; font-weight: 600; } .unready { fill: #8a9a98; }
text.missed { fill: #b3261e; stroke: none; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text { fill: #a3b4b2; } .paper { fill: #0f1716; } .line { stroke: #2a3a38; }
  .near, .trunk, .right, .pair { stroke: #d9f2ef; } .far, .left { stroke: #5f8a86; }
  .head { fill: #d9f2ef; } .arc { stroke: #7fdcd4; } .name { fill: #7fdcd4; }
  .done { stroke: #6fd38a; } .missed { stroke: #ff9d94; } .cue { fill: #ffd166; }
  text.done { fill: #6fd38a; } text.missed { fill: #ff9d94; }
}
polyline, path { fill: none; stroke-linecap: round; stroke-linejoin: round; }
.limb { stroke-width: 7; } .arc { stroke-width: 2.5; } .curve { stroke-width: 2; }
.wedge { fill: #ffd166; fill-opacity: 0.55; } .left { stroke-dasharray: 5 4; }
.missed { stroke-dasharray: 2 4; }
</style>"""


@dataclass(frozen=True)
class Subject:
    """What a picture shows: the run of its page, the measure over time, and the phases.

    `turned` shows one phase from several sides instead of the run's own. A seated body keeps its
    hips at one height instead of its lowest foot.
    """

    measure: Measure
    run: int = 0
    phases: tuple[str, ...] = ()
    turned: tuple[float, ...] = ()
    is_seated: bool = False


# The criteria of each phase, and those of `throughout`.
Bands = Mapping[str, tuple[Criterion, ...]]
# By the name of the page; the cookbook has several.
PICTURES: Mapping[str, Subject] = {
    "first-movement": Subject("knee", phases=("standing", "bottom")),
    "joints-and-leans": Subject("elbow", phases=("up", "down")),
    "sides": Subject("elbow", run=1),
    "where-to-film": Subject("trunk", phases=("bowed",), turned=(0, 60, 90)),
    "own-range": Subject("knee"),
    "strict": Subject("knee"),
    "conditions": Subject("trunk", run=1, phases=("bottom",)),
    "sequence": Subject("knee", phases=("seated", "standing")),
    "steps": Subject("knee"),
    "setup": Subject("knee"),
    "holds": Subject("knee", phases=("plank",)),
    "each-side": Subject("elbow"),
    "checks": Subject("knee"),
    "cues": Subject("knee"),
    "parameters": Subject("knee"),
    "try-it": Subject("hip", phases=("upright", "bowed")),
    "cookbook-press": Subject("elbow", run=0, phases=("racked", "overhead")),
    "cookbook-swing": Subject("hip", run=1, phases=("hinged", "upright")),
    "cookbook-hold": Subject("knee", run=2, phases=("sitting",)),
    "cookbook-each-side": Subject("knee", run=3, phases=("standing", "lowered")),
    "cookbook-both-arms": Subject("shoulder", run=4, phases=("down", "up")),
    "cookbook-seated": Subject("knee", run=5, phases=("bent", "straight"), is_seated=True),
}


def draw(name: str) -> str:
    subject = PICTURES[name]
    page = "cookbook" if name.startswith("cookbook-") else name
    run = list(runs(FOLDER / f"{page}.md"))[subject.run]
    seen = run.counted()
    picture = Picture(WIDTH, (BODIES if subject.phases else 0) + CHART, STYLE)
    bands = {phase.name: phase.criteria for phase in run.spec.phases}
    bands["throughout"] = tuple(one.criterion for one in run.spec.throughout or ())
    _draw_bodies(picture, run, seen, subject, bands)
    _draw_chart(picture, run, seen, subject.measure, bands)
    return picture.whole()


def _draw_bodies(
    picture: Picture, run: Run, seen: EngineRun, subject: Subject, bands: Bands
) -> None:
    turns = subject.turned or (run.movement.turned,)
    panels = [(phase, turned) for phase in subject.phases for turned in turns]
    wide = WIDTH / max(len(panels), 1)
    for index, (name, turned) in enumerate(panels):
        middle = wide * (index + 0.5)
        criteria = (*bands[name], *bands["throughout"])
        [asked] = [one for one in criteria if one.measure == subject.measure]
        second = _moment(name, asked if asked in bands[name] else None, seen, subject.measure)
        posture = run.movement.posture_at(second, run.repetitions)
        ground, scale = (middle, BODIES - 52.0), _scale(run.movement)
        points = placed(landmarks(posture, turned), scale, ground)
        if subject.is_seated:
            hips = placed(landmarks(run.movement.rest, turned), scale, ground)["pelvis"]
            up = points["pelvis"][1] - hips[1]
            points = {name: (x, y - up) for name, (x, y) in points.items()}
        side = asked.side if asked.side in ("left", "right") else "right"
        angle = angle_of(points, asked.measure, side)
        picture.body(points, SCALE, "limb ")
        if asked.measure not in JOINT_LANDMARKS:
            vertical = f"M{spot(angle.at)}v-{VERTICAL}"
            picture.path("arc", vertical, ' stroke-dasharray="4 4"')
        arc = angle.arc(20)
        picture.path("wedge", f"{arc}L{spot(angle.at)}Z")
        picture.path("arc", arc)
        title = TURNS.get(turned, f"turned by {turned:.0f}°") if subject.turned else name
        picture.text("name", (middle, BODIES - 26), f"{title}: {angle.degrees:.0f}°")
        if not subject.turned:
            picture.text("", (middle, BODIES - 7), criterion_words(asked))


def _moment(phase: str, band: Criterion | None, seen: EngineRun, measure: Measure) -> float:
    """When the body is farthest in its first stay in the phase, in seconds."""
    start, end = stays(phase, seen)[0]
    if band is not None and band.minimum > 0 and band.maximum < 180:
        return (start + end) / 2
    within = [
        (second, angle)
        for second, known in zip(seen.seconds, seen.angles, strict=True)
        if start <= second <= end
        for (name, _), angle in known.items()
        if name == measure
    ]
    is_low = band is not None and band.minimum == 0
    return (min if is_low else max)(within, key=lambda one: one[1])[0]


def _scale(movement: Movement) -> float:
    """Pixels a metre; fewer where arms go overhead."""
    bodies = [landmarks(posture) for posture in movement.postures.values()]
    highest = max(max(one.y for one in body) - min(one.y for one in body) for body in bodies)
    return min(SCALE, (BODIES - 60.0) / highest)


def _draw_chart(
    picture: Picture, run: Run, seen: EngineRun, measure: Measure, bands: Bands
) -> None:
    ends, wide, high = seen.seconds[-1], WIDTH - LEFT - RIGHT, CHART - 62.0
    top = picture.high - CHART + 30
    floor = top + high

    def at(second: float) -> float:
        return LEFT + wide * second / ends

    def level(degrees: float) -> float:
        return floor - high * degrees / 180

    for index, (name, of) in enumerate(bands.items()):
        for one in (one for one in of if one.measure == measure):
            box = f'y="{number(level(one.maximum))}" fill="{COLOURS[index]}" height="' + (
                f'{number(level(one.minimum) - level(one.maximum))}"'
            )
            picture.add(f'<rect x="{LEFT}" width="{wide}" {box} fill-opacity="0.16"/>')
            for start, end in stays(name, seen):
                across = f'x="{number(at(start))}" width="{number(at(end) - at(start))}"'
                picture.add(f'<rect {across} {box} fill-opacity="0.4"/>')
            middle = (level(one.minimum) + level(one.maximum)) / 2
            picture.text("", (WIDTH - RIGHT + 6, middle + 5), name, "start")
    for degrees in (0, 90, 180):
        picture.path("line", f"M{LEFT} {number(level(degrees))}H{WIDTH - RIGHT}")
        picture.text("", (LEFT - 6, level(degrees) + 5), f"{degrees}°", "end")
    for start, end in _unready(seen):
        picture.add(
            f'<rect class="unready" x="{number(at(start))}" y="{number(top)}" '
            f'width="{number(at(end) - at(start))}" height="{number(high)}" fill-opacity="0.3"/>'
        )
        if at(end) - at(start) > NOT_READY_WIDE:
            picture.text("", (at(start) + 6, top + 16), "not ready", "start")
    curves = measures_of([one for of in bands.values() for one in of])[measure]
    if run.spec.counts_each_side:
        curves = (LEFT_SIDE, RIGHT_SIDE)
    elif PAIR in curves:
        curves = (PAIR,)
    for curve in curves:
        drawn = [
            f"{number(at(second))},{number(level(known[measure, curve]))}"
            for second, known in zip(seen.seconds[::2], seen.angles[::2], strict=True)
            if (measure, curve) in known
        ]
        picture.add(f'<polyline class="curve {curve}" points="{" ".join(drawn)}"/>')
    _draw_events(picture, seen.events, at, top, floor)
    which = ", the left one dashed" if LEFT_SIDE in curves else ""
    title = f"{measure.replace('_', ' ')} over {ends:.0f} s{which}"
    picture.text("", (LEFT, floor + 24), title, "start")


def _draw_events(
    picture: Picture,
    events: Sequence[DetectionEvent],
    at: Callable[[float], float],
    top: float,
    floor: float,
) -> None:
    """A number for each repetition, a cross for each attempt, a dot for each message."""
    count = 0
    for event in events:
        x = at(event.ts_ms / 1000)
        if event.type in (COMPLETED, INTERRUPTED):
            is_done = event.type == COMPLETED
            count += is_done
            kind = "done" if is_done else "missed"
            picture.path(kind, f"M{number(x)} {number(top)}V{number(floor)}")
            side = event.payload.get("side") or ""
            picture.text(kind, (x, top - 8), f"{count if is_done else CROSS}{side and ' ' + side}")
        elif event.type == "feedback":
            picture.add(f'<circle class="cue" cx="{number(x)}" cy="{number(floor)}" r="5"/>')


def _unready(seen: EngineRun) -> Iterator[tuple[float, float]]:
    since: float | None = None
    for second, is_ready in (*zip(seen.seconds, seen.are_ready, strict=True), (math.inf, True)):
        if not is_ready and since is None:
            since = second
        if is_ready and since is not None:
            if second - since > 0.1:
                yield since, min(second, seen.seconds[-1])
            since = None
