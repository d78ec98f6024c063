"""The constants of the engine, by what they are about. docs/engine.md has the rules."""

import math
from dataclasses import dataclass
from typing import Final

from detection.spec import ENTER_MS, FASTEST_DEGREES_PER_MS

# With fewer frames a repetition its turning points fall too far beside a frame.
MIN_FRAMES: Final = 7


@dataclass(frozen=True, slots=True)
class SightSettings:
    """What of a frame is believed.

    min_visibility: 0 to 1; a landmark below this is more likely hidden than seen.
    min_segment_m, max_segment_m: segment lengths, in metres, outside which there is no
        limb to measure. They also keep every step of the arithmetic finite.
    jump_degrees, jump_degrees_per_ms: an angle that changes by more than both of these, in degrees
        and in degrees a millisecond, since the last frame is a jump of the tracker, unless the next
        frame confirms it.
    step_m, step_m_per_ms: how far a landmark goes from one frame to the next, in metres and in
        metres a millisecond between them; one that goes farther has jumped.
    max_step_ms: after a longer gap the body may be anywhere; it goes no farther than in so many
        milliseconds without a jump.
    lost_ms: the time constant in which jumps are forgotten, in milliseconds.
    lost_jumps, found_jumps: above the first the person is lost, below the second found again.
    pose_lost_ms: after so many milliseconds without a usable pose, it is lost.
    """

    min_visibility: float = 0.5
    min_segment_m: float = 0.08
    max_segment_m: float = 100.0
    jump_degrees: float = 25.0
    jump_degrees_per_ms: float = FASTEST_DEGREES_PER_MS
    step_m: float = 0.05
    step_m_per_ms: float = 0.008
    max_step_ms: float = 100.0
    lost_ms: float = 400.0
    lost_jumps: float = 2.5
    found_jumps: float = 1.5
    pose_lost_ms: float = 2000.0


@dataclass(frozen=True, slots=True)
class DepthSettings:
    """The depth of a segment, which a single camera measures several times worse than x and y.

    depth_weight: how much of z enters an angle, as a share.
    seen_share: a segment that shows less than this share of its running length points into depth.
    lengthen_ms, shorten_ms: the time constants of the running length, in milliseconds.
    depth_ms: the time constant of the mean of z that gives the direction, in milliseconds.
    """

    depth_weight: float = 0.15
    seen_share: float = 0.5
    lengthen_ms: float = 200.0
    shorten_ms: float = 60_000.0
    depth_ms: float = 200.0


@dataclass(frozen=True, slots=True)
class SmoothingSettings:
    """The mean of an angle over recent frames.

    smoothing_ms: its time constant, in milliseconds.
    max_weight_m2: the most that one measurement weighs, in square metres: that of two segments of
        0.45 m. Longer ones are errors, which must not outweigh the rest.
    fresh_ms: an angle not measured for so many milliseconds is not known any more.
    """

    smoothing_ms: float = 80.0
    max_weight_m2: float = 0.1
    fresh_ms: float = 250.0


@dataclass(frozen=True, slots=True)
class LeadSettings:
    """The side in front.

    lead_m, lead_held_ms: by how many metres and for how many milliseconds a side must be ahead to
        become the leading one.
    """

    lead_m: float = 0.1
    lead_held_ms: float = 200.0


@dataclass(frozen=True, slots=True)
class SwingSettings:
    """The movement between two ends, and the person's own range of it.

    recent_swings: the range is the median of so many swings.
    range_swings: it is known after so many.
    swing_share: what counts is at least this share of the range.
    min_swing_share, min_swing_degrees: and at least this share of the gap between the bands,
        and so many degrees.
    min_side_share: where both sides must move, each goes this share of the gap. One that stays
        still goes next to nothing, and one that is badly seen half as far as the other.
    attempt_share, attempt_ms: who turns back after this share of the needed way, and so many
        milliseconds after he began it, has tried.
    path_share: the places of a path are noted at this share of the way gone, or of the least one.
    grown_share, over_ms: a way is over once its farthest point has not grown by this share of it
        for so many milliseconds.
    stay_ms: the body stays where it is once its farthest point has not grown for so long.
    """

    recent_swings: int = 4
    range_swings: int = 2
    swing_share: float = 0.6
    min_swing_share: float = 0.5
    min_swing_degrees: float = 15.0
    min_side_share: float = 0.25
    attempt_share: float = 0.5
    attempt_ms: float = 300.0
    path_share: float = 0.1
    grown_share: float = 0.03
    over_ms: float = 500.0
    stay_ms: float = 150.0

    def min_swing(self, gap: float) -> float:
        """The least way that counts between two bands with this gap, in degrees."""
        return max(self.min_swing_share * gap, self.min_swing_degrees)


@dataclass(frozen=True, slots=True)
class PhaseSettings:
    """The entry and the exit of phases, and the conditions of the whole movement.

    enter_ms, exit_ms: how many milliseconds the criteria must hold before the phase is entered,
        and fail before it is left.
    hysteresis_degrees: how many degrees a gate may miss its band by before the phase is left.
    left_share, back_share: an end is left beyond the first share of the way that leads from it to
        the other, and is entered again within the second.
    condition_ms: what every phase demands may fail for so many milliseconds.
    settle_ms: the smoothed angles of a hold have the way into it for so many milliseconds.
    hold_attempt_ms: a hold that was let go after so many milliseconds, or half of its target, was
        an attempt; a body that passes through its posture has tried nothing.
    """

    enter_ms: float = ENTER_MS
    exit_ms: float = 60.0
    hysteresis_degrees: float = 5.0
    left_share: float = 0.5
    back_share: float = 0.25
    condition_ms: float = 150.0
    settle_ms: float = 250.0
    hold_attempt_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class SetupSettings:
    """The readiness before anything counts.

    ready_ms: what a setup asks for must hold for so many milliseconds, or be lost for as long.
    bridge_ms: before that, what is lacking for no longer than this is bridged.
    side_share: who is seen from the side shows less than this share of the trunk's length between
        the shoulders: at 30 degrees from side-on about so much.
    view_tangent: of somebody who faces the camera, the tangent of how far the line between the
        shoulders may be turned from the image: of 30 degrees.
    """

    ready_ms: float = 1000.0
    bridge_ms: float = 250.0
    side_share: float = 0.4
    view_tangent: float = 0.577


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The constants of an engine, by what they are about."""

    sight: SightSettings = SightSettings()
    depth: DepthSettings = DepthSettings()
    smoothing: SmoothingSettings = SmoothingSettings()
    lead: LeadSettings = LeadSettings()
    swing: SwingSettings = SwingSettings()
    phase: PhaseSettings = PhaseSettings()
    setup: SetupSettings = SetupSettings()

    def lowest_fps(self, repetition_ms: float) -> float:
        """The frames a second that repetitions of so many milliseconds, there and back, need.

        The body must be seen at the other end in two frames. Of a movement that goes as a cosine it
        is beyond `swing_share` of its way for this share of the time, and the smoothed angle
        follows it later.
        """
        share = math.acos(2 * self.swing.swing_share - 1) / math.pi
        beyond_ms = share * repetition_ms - self.smoothing.smoothing_ms
        if beyond_ms <= 0:
            return math.inf
        of_its_turns = MIN_FRAMES * 1000 / repetition_ms
        return max(2000 / beyond_ms, of_its_turns, 1000 / self.smoothing.fresh_ms)
