"""The constants of the engine, by what they are about.

Each class names the part of docs/engine.md that has its rules; a name ends with its unit.
"""

import math
from dataclasses import dataclass
from typing import Final

from detection.spec import ENTER_MS, FASTEST_DEGREES_PER_MS

# With fewer frames in a repetition its turning points are missed between frames.
MIN_FRAMES: Final = 7


@dataclass(frozen=True, slots=True)
class SightSettings:
    """What of a frame is believed. Rules: *Angles*."""

    min_visibility: float = 0.5
    # Outside of these there is no limb to measure. They also keep the arithmetic finite.
    min_segment_m: float = 0.08
    max_segment_m: float = 100.0
    jump_degrees: float = 25.0
    jump_degrees_per_ms: float = FASTEST_DEGREES_PER_MS
    step_m: float = 0.05
    step_m_per_ms: float = 0.008
    # After a longer gap the body may be anywhere.
    max_step_ms: float = 100.0
    lost_ms: float = 400.0
    lost_jumps: float = 2.5
    found_jumps: float = 1.5
    pose_lost_ms: float = 2000.0


@dataclass(frozen=True, slots=True)
class DepthSettings:
    """The depth of a segment, which a single camera measures several times worse than x and y.

    Rules: *Segments*.
    """

    depth_weight: float = 0.15
    seen_share: float = 0.5
    lengthen_ms: float = 200.0
    shorten_ms: float = 60_000.0
    depth_ms: float = 200.0


@dataclass(frozen=True, slots=True)
class SmoothingSettings:
    """The mean of an angle over recent frames. Rules: *Angles*."""

    smoothing_ms: float = 80.0
    # That of two segments of 0.45 m. Longer ones are errors, which must not outweigh the rest.
    max_weight_m2: float = 0.1
    fresh_ms: float = 250.0


@dataclass(frozen=True, slots=True)
class LeadSettings:
    """The side in front. Rules: *Sides*."""

    lead_m: float = 0.1
    lead_held_ms: float = 200.0


@dataclass(frozen=True, slots=True)
class SwingSettings:
    """The movement between two ends, and the person's own range of it.

    Rules: *The movement, and True times*.
    """

    recent_swings: int = 4
    range_swings: int = 2
    swing_share: float = 0.6
    min_swing_share: float = 0.5
    min_swing_degrees: float = 15.0
    # A side that stays still goes next to nothing, and one that is badly seen half as far as the
    # other.
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

    Rules: *Phases, Conditions and Holds*.
    """

    enter_ms: float = ENTER_MS
    exit_ms: float = 60.0
    hysteresis_degrees: float = 5.0
    left_share: float = 0.5
    back_share: float = 0.25
    condition_ms: float = 150.0
    # The smoothed angles still have the way into the hold.
    settle_ms: float = 250.0
    # A body that passes through the posture of a hold has tried nothing.
    hold_attempt_ms: float = 1000.0


@dataclass(frozen=True, slots=True)
class SetupSettings:
    """The readiness before anything counts. Rules: *Readiness*."""

    ready_ms: float = 1000.0
    bridge_ms: float = 250.0
    # The shoulders' width in the image, as a share of the trunk: 33 degrees from side-on.
    side_share: float = 0.4
    # tan 30°
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
