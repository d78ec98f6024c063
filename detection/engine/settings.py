"""The constants of the engine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The constants of an engine. docs/engine.md has the reason for each.

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
    step_m, step_m_per_ms: how far a landmark goes from one frame to the next, in metres and in
        metres a millisecond between them; one that goes farther has jumped.
    longest_step_ms: after a longer gap the body may be anywhere; it goes no farther than in so many
        milliseconds without a jump.
    lost_ms: the time constant in which jumps are forgotten, in milliseconds.
    lost_jumps, found_jumps: above the first the person is lost, below the second found again.
    fresh_ms: an angle not measured for so many milliseconds is not known any more.
    lead_m, lead_held_ms: by how many metres and for how many milliseconds a side must be ahead to
        become the leading one.
    enter_ms, exit_ms: how many milliseconds the criteria must hold before the phase is entered,
        and fail before it is left.
    hysteresis_degrees: while the phase holds, its bands are so many degrees wider.
    lengthen_ms, shorten_ms: the time constants with which a segment's running length follows a
        longer and a shorter one, in milliseconds: it is seen at full length for moments only.
    depth_ms: the time constant of the mean of z that tells a segment's direction.
    seen_share: a segment that the image shows shorter than this share of its running length points
        at the camera or away from it by what is missing.
    recent_swings: how many of the last swings make a person's range: their median.
    range_swings: a range is known after so many swings: there and back.
    swing_share: what counts is at least this share of the range.
    least_swing_share, least_swing_degrees: and at least this share of the gap between the bands,
        and so many degrees.
    left_share, back_share: an end is left beyond the first share of the way that leads from it to
        the other, and is entered again within the second.
    trembling: in degrees times metres, what errors of some millimetres change an angle by: so much
        over the square root of its weight.
    condition_ms: what every phase demands may fail for so many milliseconds.
    pose_lost_ms: after so many milliseconds without a usable pose, it is lost.
    """

    depth_weight: float = 0.15
    min_visibility: float = 0.5
    smoothing_ms: float = 80.0
    max_weight_m2: float = 0.1
    shortest_segment_m: float = 0.08
    longest_segment_m: float = 100.0
    jump_degrees: float = 25.0
    jump_degrees_per_ms: float = 0.4
    step_m: float = 0.05
    step_m_per_ms: float = 0.008
    longest_step_ms: float = 100.0
    lost_ms: float = 400.0
    lost_jumps: float = 2.5
    found_jumps: float = 1.5
    fresh_ms: float = 250.0
    lead_m: float = 0.1
    lead_held_ms: float = 200.0
    enter_ms: float = 30.0
    exit_ms: float = 60.0
    hysteresis_degrees: float = 5.0
    lengthen_ms: float = 200.0
    shorten_ms: float = 60_000.0
    depth_ms: float = 200.0
    seen_share: float = 0.5
    recent_swings: int = 4
    range_swings: int = 2
    swing_share: float = 0.6
    least_swing_share: float = 0.5
    least_swing_degrees: float = 15.0
    left_share: float = 0.5
    back_share: float = 0.25
    trembling: float = 1.0
    condition_ms: float = 150.0
    pose_lost_ms: float = 2000.0
