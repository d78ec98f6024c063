"""Whether the landmarker still follows the person, or jumps from one wrong pose to another."""

from collections.abc import Sequence

from detection.engine.memory import ROUND, Remembering, on_grid
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LandmarkLike

_WATCHED = tuple(
    INDEX[f"{side}_{name}"]
    for name in ("wrist", "ankle", "elbow", "knee")
    for side in ("left", "right")
)
# Metres: nobody's place. They are kept to the millimetre.
_FARTHEST = 100.0
_GRID = 1e3
# So many that stayed leave no half that went.
_ENOUGH = len(_WATCHED) // 2 + 1
# Fewer that go far are an arm or a leg.
_FEWEST = 3
# After a gap the body may be anywhere; a jump is what happens from one frame to the next.
_LONGEST_STEP_MS = 100.0

# x and y of each landmark watched, in metres; None for one that is not seen.
Places = Sequence[float | None]


class Tracking(Remembering):
    """A frame is a jump when half of the landmarks in sight have gone farther than a body goes,
    from the last frame and from the one before a jump: a single wrong frame is one jump. Above
    lost_jumps of late the person is lost, until there are fewer than found_jumps."""

    MEMORY = {"places": (), "doubted": (), "jumps": 0.0, "is_lost": False}
    __slots__ = (*MEMORY, "_settings")
    places: Places
    doubted: Places
    jumps: float
    is_lost: bool

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.forget()

    def watch(self, landmarks: Sequence[LandmarkLike], since_ms: float) -> None:
        """Take in one frame, that comes `since_ms` after the last one."""
        settings = self._settings
        places: list[float | None] = []
        for index in _WATCHED:
            landmark = landmarks[index]
            seen, x, y = landmark.visibility, landmark.x, landmark.y
            if (
                (seen is None or seen >= settings.min_visibility)
                and -_FARTHEST < x < _FARTHEST
                and -_FARTHEST < y < _FARTHEST
            ):
                places.append((x * _GRID + ROUND - ROUND) / _GRID)
                places.append((y * _GRID + ROUND - ROUND) / _GRID)
            else:
                places.append(None)
                places.append(None)
        step_ms = since_ms if since_ms < _LONGEST_STEP_MS else _LONGEST_STEP_MS
        limit = settings.step_m + settings.step_m_per_ms * step_ms
        is_jump = _are_apart(self.places, places, limit)
        if is_jump and self.doubted:
            is_jump = _are_apart(self.doubted, places, limit)
        if is_jump or self.jumps:
            keep = settings.lost_ms / (settings.lost_ms + since_ms)
            self.jumps = jumps = on_grid(self.jumps * keep + is_jump)
            self.is_lost = jumps > (settings.found_jumps if self.is_lost else settings.lost_jumps)
        if is_jump:
            self.doubted = places
        else:
            self.doubted = ()
            self.places = places


def _are_apart(before: Places, places: Places, limit: float) -> bool:
    square = limit * limit
    gone = stayed = 0
    for n in range(0, len(before), 2):
        x, y, from_x, from_y = places[n], places[n + 1], before[n], before[n + 1]
        if x is None or y is None or from_x is None or from_y is None:
            continue
        x -= from_x
        y -= from_y
        if x * x + y * y > square:
            gone += 1
        else:
            stayed += 1
            if stayed == _ENOUGH:
                return False
    return gone >= _FEWEST and gone >= stayed
