"""The tracking of a person: a landmarker that has lost one jumps between wrong poses."""

from collections.abc import Sequence

from detection.engine.memory import Fields, Remembering, on_grid
from detection.engine.settings import EngineSettings
from detection.landmarks import INDEX, LANDMARK_NAMES, Landmark, LandmarkLike

_WATCHED = tuple(
    INDEX[f"{side}_{name}"]
    for name in ("wrist", "ankle", "elbow", "knee")
    for side in ("left", "right")
)
# Metres are kept to the millimetre.
_GRID = 1e3
# So many that stayed leave no half that went.
_ENOUGH = len(_WATCHED) // 2 + 1
# Fewer that go far are an arm or a leg.
_FEWEST = 3

Pose = Sequence[LandmarkLike]


class Tracking(Remembering):
    """The count of recent jumps, by which a person is lost and found.

    A frame is a jump when half of the landmarks in sight have gone farther than a body goes, from
    the last frame and from the one before a jump. So a single wrong frame is one jump. The person
    is lost above lost_jumps, until there are fewer than found_jumps.
    """

    MEMORY = {"jumps": 0.0, "is_lost": False}
    __slots__ = (*MEMORY, "_before", "_doubted", "_settings")
    jumps: float
    is_lost: bool

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self.forget()

    def forget(self) -> None:
        super().forget()
        # The last pose that was no jump, and the one to which the last frame has jumped.
        self._before: Pose | None = None
        self._doubted: Pose | None = None

    def watch(self, landmarks: Pose, since_ms: float) -> None:
        """Watch one frame, which comes `since_ms` after the last one."""
        settings = self._settings
        if since_ms >= settings.pose_lost_ms:
            self.forget()
        step_ms = since_ms if since_ms < settings.longest_step_ms else settings.longest_step_ms
        limit = settings.step_m + settings.step_m_per_ms * step_ms
        is_jump = (
            self._before is not None
            and self._are_apart(self._before, landmarks, limit)
            and (self._doubted is None or self._are_apart(self._doubted, landmarks, limit))
        )
        if is_jump or self.jumps:
            keep = settings.lost_ms / (settings.lost_ms + since_ms)
            self.jumps = jumps = on_grid(self.jumps * keep + is_jump)
            self.is_lost = jumps > (settings.found_jumps if self.is_lost else settings.lost_jumps)
        if is_jump:
            self._doubted = landmarks
        else:
            self._doubted = None
            self._before = landmarks

    def _are_apart(self, before: Pose, landmarks: Pose, limit: float) -> bool:
        least = self._settings.min_visibility
        square = limit * limit
        gone = stayed = 0
        for index in _WATCHED:
            one, other = before[index], landmarks[index]
            seen = one.visibility
            if seen is not None and seen < least:
                continue
            seen = other.visibility
            if seen is not None and seen < least:
                continue
            x, y = other.x - one.x, other.y - one.y
            if x * x + y * y > square:
                gone += 1
            else:
                stayed += 1
                if stayed == _ENOUGH:
                    return False
        return gone >= _FEWEST and gone >= stayed

    def snapshot(self) -> Fields:
        poses = (("before", self._before), ("doubted", self._doubted))
        return super().snapshot() | {
            name: [self._place(pose[index]) for index in _WATCHED]
            for name, pose in poses
            if pose is not None
        }

    def _place(self, landmark: LandmarkLike) -> list[float]:
        """The place of a landmark in metres, None if it is hidden."""
        seen = landmark.visibility
        if seen is not None and seen < self._settings.min_visibility:
            return []
        return [landmark.x, landmark.y]

    def restore(self, fields: Fields) -> None:
        poses = {name: fields[name] for name in ("before", "doubted") if name in fields}
        super().restore({name: fields[name] for name in fields.keys() - poses.keys()})
        self._before = _pose(poses.get("before"))
        self._doubted = _pose(poses.get("doubted"))


def _pose(places: object) -> Pose | None:
    """A pose with only the watched landmarks."""
    if places is None:
        return None
    if not isinstance(places, list) or len(places) != len(_WATCHED):
        raise ValueError("Not the places of so many landmarks.")
    pose = [_HIDDEN] * len(LANDMARK_NAMES)
    for index, place in zip(_WATCHED, places, strict=True):
        if place:
            x, y = place
            pose[index] = Landmark(float(x), float(y), 0.0)
    return pose


_HIDDEN = Landmark(0.0, 0.0, 0.0, 0.0)
