"""The constants of the engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an engine measures and decides with. docs/engine.md says why each is as it is.

    depth_weight: how much of z enters an angle, as a share. A single camera measures depth several
        times worse than x and y.
    min_visibility: 0 to 1; a landmark below this is more likely hidden than seen.
    smoothing_ms: the time constant of the mean over recent frames, in milliseconds.
    max_weight_m2: the most that one measurement weighs, in square metres: that of two segments of
        0.45 m. Longer ones are errors, which must not outweigh the rest.
    shortest_segment_m, longest_segment_m: segment lengths, in metres, outside which there is no
        limb to measure. They also keep every step of the arithmetic finite.
    jump_degrees, jump_degrees_per_ms: an angle that changes by more than both of these, in degrees
        and in degrees a millisecond, since the last frame is a jump of the tracker, unless the next
        frame confirms it.
    fresh_ms: an angle not measured for so many milliseconds is not known any more.
    lead_m, lead_held_ms: by how many metres and for how many milliseconds a side must be ahead to
        become the leading one.
    enter_ms, exit_ms: how many milliseconds the criteria must hold before the phase is entered,
        and fail before it is left.
    hysteresis_degrees: while the phase holds, its bands are so many degrees wider.
    approach_degrees, turn_degrees: a turn: having come so many degrees nearer, the angles go so
        many degrees away again.
    near_degrees: a turn that comes within so many degrees of the bands enters the phase.
    short_degrees, short_turns: so does one within short_degrees of them, once as many turns in a
        row as short_turns have come no nearer than short of the bands.
    pose_lost_ms: after so many milliseconds without a usable pose, it is lost.
    """

    depth_weight: float = 0.15
    min_visibility: float = 0.5
    smoothing_ms: float = 40.0
    max_weight_m2: float = 0.1
    shortest_segment_m: float = 0.001
    longest_segment_m: float = 100.0
    jump_degrees: float = 25.0
    jump_degrees_per_ms: float = 0.4
    fresh_ms: float = 250.0
    lead_m: float = 0.1
    lead_held_ms: float = 200.0
    enter_ms: float = 60.0
    exit_ms: float = 60.0
    hysteresis_degrees: float = 5.0
    approach_degrees: float = 20.0
    turn_degrees: float = 8.0
    near_degrees: float = 10.0
    short_degrees: float = 25.0
    short_turns: int = 2
    pose_lost_ms: float = 2000.0
