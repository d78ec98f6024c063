"""The figure in each phase of a catalogue's movement, with the angles that the engine measures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from detection import LANDMARK_NAMES, Criterion, Engine, Landmark, Measure, MoveSpec, PoseFrame
from detection import compile as compile_movespec
from detection.engine.body import Curve
from detection.spec import BODY_SIDES, BodySide
from dev.local_stack.environment import PROJECT
from dev.poses.figure import MOVEMENTS, Posture, landmarks

MOVESPECS = PROJECT / "examples" / "movespecs"
STEP_MS = 100.0
# A hold is seen once it has lasted so long.
SEEN_MS = 2000.0
PAIR: Curve = "pair"
# The side that the camera sees, which stands for both.
NEAR: BodySide = "right"


@dataclass(frozen=True)
class Posed:
    """The figure in a phase. `angles` are the engine's, by measure and side."""

    phase: str
    landmarks: Sequence[Landmark]
    angles: Mapping[tuple[Measure, Curve], float]

    def named(self) -> dict[str, Landmark]:
        return dict(zip(LANDMARK_NAMES, self.landmarks, strict=True))

    def side_of(self, criterion: Criterion) -> Curve:
        """The side on which a criterion is shown."""
        match criterion.side:
            case None:
                return PAIR
            case "both":
                return NEAR
            case "either":
                return min(BODY_SIDES, key=lambda side: self._missed(criterion, side))
            case "front" | "back":
                return self._lead(ahead=criterion.side == "front")
            case side:
                return side

    def degrees(self, criterion: Criterion, side: Curve) -> float | None:
        return self.angles.get((criterion.measure, side))

    def from_standing(self) -> float:
        """How far it is from standing upright, the metres of all landmarks."""
        standing = landmarks(Posture())
        pairs = zip(self.landmarks, standing, strict=True)
        return round(sum(math.dist(one[:3], other[:3]) for one, other in pairs), 3)

    def missed_by(self, criteria: Iterable[Criterion]) -> float:
        """By how many degrees it misses the bands, in sum."""
        return sum(self._missed(one, self.side_of(one)) for one in criteria)

    def _missed(self, criterion: Criterion, side: Curve) -> float:
        degrees = self.degrees(criterion, side)
        if degrees is None:
            return 180.0
        return max(criterion.minimum - degrees, degrees - criterion.maximum, 0.0)

    def _lead(self, *, ahead: bool) -> BodySide:
        named = self.named()
        pointing = sum(
            named[f"{side}_foot_index"].x - named[f"{side}_heel"].x for side in BODY_SIDES
        )

        def way(side: BodySide) -> float:
            return named[f"{side}_ankle"].x * pointing

        return max(BODY_SIDES, key=way) if ahead else min(BODY_SIDES, key=way)


@cache
def spec_of(slug: str) -> MoveSpec:
    return compile_movespec((MOVESPECS / f"{slug}.yaml").read_text(encoding="utf-8"))


@cache
def poses_of(slug: str) -> tuple[Posed, ...]:
    """The figure in each phase, in the order of the MoveSpec."""
    spec, movement = spec_of(slug), MOVEMENTS[slug]
    engine = Engine(spec)
    frames: list[Posed] = []
    stays: dict[str, list[int]] = {}
    inside = ""
    for number in range(int(movement.seconds_in_all(1) * 1000 / STEP_MS)):
        posture = movement.posture_at(number * STEP_MS / 1000, 1)
        pose = landmarks(posture, movement.turned)
        for event in engine.feed(PoseFrame(number * STEP_MS, pose)):
            if event.type == "shape_enter":
                inside = event.payload["shape_key"]
            elif event.type == "shape_exit":
                inside = ""
        frames.append(Posed(inside, pose, engine.angles()))
        if inside:
            stays.setdefault(inside, []).append(number)
        if spec.type == "hold" and len(stays.get(inside, ())) * STEP_MS >= SEEN_MS:
            break
    return tuple(
        _clearest(phase.criteria, [frames[number] for number in _first_run(stays[phase.name])])
        for phase in spec.phases
    )


def _first_run(numbers: Sequence[int]) -> Sequence[int]:
    """Those up to the first gap."""
    end = next((at for at, one in enumerate(numbers) if one - numbers[0] != at), len(numbers))
    return numbers[:end]


def _clearest(criteria: Sequence[Criterion], stay: Sequence[Posed]) -> Posed:
    """That which misses the bands least, and of several the one in the middle."""
    missed = [round(posed.missed_by(criteria), 1) for posed in stay]
    least = [at for at, by in enumerate(missed) if by == min(missed)]
    return stay[least[len(least) // 2]]
