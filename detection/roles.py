"""The roles of a MoveSpec's criteria: what each does to the count, and from where it is seen."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from math import inf
from typing import Final, Literal

from detection.engine.criteria import tolerance_of
from detection.engine.driving import (
    DrivingAngle,
    RangeOfMotion,
    find_conditions,
    find_motions,
    used_phases,
)
from detection.engine.plan import counts_the_leading_side
from detection.engine.settings import EngineSettings
from detection.engine.tracking import seen_from
from detection.spec import (
    JOINT_LANDMARKS,
    MOVEMENT,
    Criterion,
    Cue,
    Measure,
    MoveSpec,
    Phase,
    Side,
    TempoCheck,
    TempoPart,
    View,
)

RoleName = Literal["carries", "gate", "condition", "unused", "setup", "check", "cue"]

VIEWS: Final[dict[View, str]] = {
    "side": "Seen from the side.",
    "front": "Seen from the front.",
    "any": "Seen from everywhere.",
}
"""Every view that a criterion's angle is seen from, in words."""

CameraView = Literal["side", "oblique", "front"]
CAMERAS: Final[dict[CameraView, str]] = {
    "side": "Film from the side, within 30°.",
    "oblique": "Film at 45°, between the side and the front: degrees are less certain there.",
    "front": "Film from the front or from behind, within 30°.",
}
"""Every place of the one camera for a MoveSpec, in words."""

_CAMERAS_OF: Final[dict[View, frozenset[CameraView]]] = {
    "side": frozenset(("side", "oblique")),
    "front": frozenset(("oblique", "front")),
    "any": frozenset(CAMERAS),
}

_SETTINGS: Final = EngineSettings()


@dataclass(frozen=True, slots=True)
class Role:
    """What one criterion does: its path in the document, its role, a sentence for a coach, and the
    view that its angle is seen from."""

    path: str
    role: RoleName
    sentence: str
    view: View


@dataclass(frozen=True, slots=True)
class Camera:
    """The one camera for a MoveSpec: its place, and a sentence for whoever sets it up."""

    view: CameraView
    sentence: str


def roles(spec: MoveSpec) -> tuple[Role, ...]:
    """The role of each criterion: those of the phases, of throughout, of the setup's start, of the
    checks, and then of the cues.

    It is what an engine with its default settings decides by the MoveSpec, before any frame.
    """
    found = _of_hold(spec) if spec.type == "hold" else _of_phases(spec)
    others = (_of_throughout, _of_start, _of_checks, _of_tempo, _of_cues)
    return tuple(
        Role(path, role, _of_each_side(criterion, sentence, spec), _view(criterion, spec))
        for path, role, criterion, sentence in chain(found, *(of(spec) for of in others))
    )


def camera(spec: MoveSpec) -> Camera:
    """The place from which the most of a MoveSpec is seen: where its degrees hold, if all that it
    asks for is seen there."""
    shared = _CAMERAS_OF["front" if _needs_both_sides(spec) else "any"]
    for role in roles(spec):
        if role.role != "unused":
            shared &= _CAMERAS_OF[role.view]
    best: CameraView = "front" if spec.plane == "frontal" else "side"
    view: CameraView = best if best in shared else "oblique"
    return Camera(view, CAMERAS[view])


def _needs_both_sides(spec: MoveSpec) -> bool:
    """Whether each side is counted: from the side the body hides the far one."""
    return spec.counts_each_side and not counts_the_leading_side(spec)


# A path, the role of its criterion, the criterion and a sentence. Tempo has no criterion.
_Found = Iterator[tuple[str, RoleName, Criterion | None, str]]


def _of_phases(spec: MoveSpec) -> _Found:
    used = used_phases(spec)
    strict = frozenset(phase.name for phase in used if phase.strict)
    driven = {
        driver.measure: (motion, driver)
        for motion in find_motions(spec)
        for driver in motion.angles
    }
    inferred = find_conditions(spec) if spec.throughout is None else []
    conditions = {(one.measure, one.side): _beyond(one) for one in inferred}
    for path, phase, criterion in spec.phase_criteria():
        motion, driver = driven.get(criterion.measure, (None, None))
        beyond = conditions.get((criterion.measure, criterion.side))
        role: RoleName
        if phase not in used:
            angle = angle_words(criterion, "is at", "leans by")
            role = "unused"
            sentence = (
                f'The sequence does not use "{phase.name}", which counts nothing: it tells when'
                f" {angle}."
            )
        elif motion and driver and motion.is_driven_by(phase, criterion.measure):
            role, sentence = "carries", _carries(criterion, phase, motion, driver, strict)
        elif beyond:  # a band that no angle can miss by so much is no condition
            role, sentence = "condition", _condition(criterion, phase, beyond)
        else:
            role, sentence = "gate", _gate(criterion, phase, is_between=motion is not None)
        yield path, role, criterion, sentence


def _of_hold(spec: MoveSpec) -> _Found:
    for path, phase, criterion in spec.phase_criteria():
        asked = angle_words(criterion, "must be at", "must lean by")
        is_exact = phase.strict and not criterion.tolerance
        beyond = "any other angle" if is_exact else _beyond(criterion)
        degree = ", to the degree," if phase.strict else ""
        ended = f"; {beyond}{for_longer(spec.grace_ms)} ends the hold" if beyond else ""
        sentence = f'{asked}{degree} for the time in "{phase.name}" to count{ended}.'
        yield path, "gate", criterion, sentence_of(sentence)


def _of_throughout(spec: MoveSpec) -> _Found:
    for number, condition in enumerate(spec.throughout or ()):
        asked = angle_words(condition.criterion, "must be at", "must lean by")
        beyond = _beyond(condition.criterion) or "no angle"
        sentence = sentence_of(
            f"{asked} throughout the {spec.type};"
            f" {beyond}{for_longer(condition.grace_ms)} breaks it off."
        )
        yield f"{MOVEMENT}.throughout[{number}]", "condition", condition.criterion, sentence


def _of_start(spec: MoveSpec) -> _Found:
    for number, criterion in enumerate(spec.setup.start if spec.setup else ()):
        asked = angle_words(criterion, "must be at", "must lean by")
        sentence = sentence_of(f"{asked} for a second before anything counts.")
        yield f"detection.setup.start[{number}]", "setup", criterion, sentence


def _of_checks(spec: MoveSpec) -> _Found:
    for number, check in enumerate(spec.checks):
        asked = angle_words(check.criterion, "must be at", "must lean by")
        where = f'"{check.when}"' if check.when else f"the whole {spec.type}"
        missed = "does not count" if check.is_required else "counts, with less form"
        sentence = (
            f'For "{check.name}" {asked} at its {check.extreme} in {where}; a {spec.type} that'
            f" misses it {missed}."
        )
        yield f"{MOVEMENT}.checks[{number}]", "check", check.criterion, sentence


def _of_tempo(spec: MoveSpec) -> _Found:
    for check in spec.tempo:
        missed = "does not count" if check.is_required else "counts, with less form"
        if check.part == "back" and not check.is_required:
            missed = "counts, since the way back is over only later"
        asked = f"{TEMPO_WORDS[check.part]} must take {times_words(check)}"
        sentence = f'For "{check.name}" {asked}; a repetition that misses it {missed}.'
        yield f"{MOVEMENT}.{check.name}", "check", None, sentence


def _of_cues(spec: MoveSpec) -> _Found:
    for number, cue in enumerate(spec.feedback):
        if cue.check is not None:
            sent = _on_check(cue, spec)
        elif cue.criterion is None:
            continue
        elif cue.extreme:
            angle = angle_words(cue.criterion, "was at", "leaned by")
            sent = f'as a stay in "{cue.when}" ends, if {angle} at its {cue.extreme}'
        else:
            angle = angle_words(cue.criterion, "is at", "leans by")
            sent = f"{_in_stay(cue, spec)} as soon as {angle}"
        sentence = f"The message is sent {sent}{rationed(cue, repeats=spec.repeats(cue))}."
        yield f"{MOVEMENT}.feedback[{number}]", "cue", cue.criterion, sentence


def _in_stay(cue: Cue, spec: MoveSpec) -> str:
    return f'in "{cue.when}"' if spec.repeats(cue) else f'once in each stay in "{cue.when}",'


def _on_check(cue: Cue, spec: MoveSpec) -> str:
    outcome = f'"{cue.check}" is {"met" if cue.is_met else "missed"}'
    if cue.check == "tempo.back":
        return f"once the way back is over, if {outcome}"
    if not cue.when:
        return f"with each {spec.type} or attempt at one in which {outcome}"
    if cue.is_early:
        return f"{_in_stay(cue, spec)} as soon as {outcome}"
    return f'as a stay in "{cue.when}" ends, if {outcome}'


def rationed(cue: Cue, *, repeats: bool = False) -> str:
    """How often a cue is sent, after the words that say when."""
    every = f"; one in {cue.every} of these times, and the first" if cue.every > 1 else ""
    seconds = f"{cue.min_gap_ms / 1000:g} s"
    if repeats:
        return f", and again each {seconds} while it is{every}"
    return every + (f"; not within {seconds} of the last" if cue.min_gap_ms else "")


def _of_each_side(criterion: Criterion | None, sentence: str, spec: MoveSpec) -> str:
    is_sided = criterion is None or criterion.side is not None or criterion.measure == "trunk"
    if is_sided or not _needs_both_sides(spec):
        return sentence
    return f"Of each side by itself: {sentence[0].lower()}{sentence[1:]}"


def _view(criterion: Criterion | None, spec: MoveSpec) -> View:
    if criterion is None:
        return "any"
    if criterion.side in ("front", "back"):
        return "side"  # from the front no limb is seen to lead
    return seen_from(criterion.measure, spec.plane)


def _carries(
    criterion: Criterion,
    phase: Phase,
    motion: RangeOfMotion,
    driver: DrivingAngle,
    strict: frozenset[str],
) -> str:
    is_at_start = phase.name in motion.start
    is_low = driver.is_low_at_start == is_at_start
    here, there = (motion.start, motion.end) if is_at_start else (motion.end, motion.start)
    others = [one.measure for one in motion.angles if one is not driver]
    if phase.strict:
        angle = angle_words(criterion, "at", "leaning by")
        edge = ", and into this band to the degree"
    elif is_low:
        angle = angle_words(criterion, "at", "leaning by", (0.0, criterion.maximum))
        edge = f"; less than {criterion.minimum:g}° counts too" if criterion.minimum else ""
    else:
        angle = angle_words(criterion, "at", "leaning by", (criterion.minimum, 180.0))
        edge = f"; more than {criterion.maximum:g}° counts too" if criterion.maximum < 180 else ""
    together = f", together with {listed(map(measure_words, others))}" if others else ""
    return sentence_of(
        f"{angle} is the {'low' if is_low else 'high'} end of the movement,"
        f' "{phase.name}"{together}:'
        f" {_way(motion, driver, here <= strict, there <= strict)}{edge}."
    )


def _way(motion: RangeOfMotion, driver: DrivingAngle, is_strict: bool, is_from_strict: bool) -> str:
    """The way to come from the other end. An end is strict where all its phases are."""
    swing = _SETTINGS.swing
    least = swing.min_swing(motion.gap)
    in_sum, part = "", ""
    if len(motion.angles) > 1:
        in_sum = " in sum"
        share = swing.min_swing_share * driver.gap
        part = f", of which {measure_words(driver.measure)} {share:g}°"
    if any(side.measure == driver.measure for side in motion.moving_sides):
        part += f", and each side in sight {swing.min_side_share * driver.gap:g}°"
    if is_strict:
        return f"each repetition must come at least {least:g}°{in_sum} from the other end{part}"
    shorter = ", or of the last way if that was shorter" if is_from_strict else ""
    return (
        f"the first repetition must come {max(motion.gap, least):g}°{in_sum} from the other end,"
        f" later ones {swing.swing_share * 100:g} % of the person's usual way{shorter}, and each at"
        f" least {least:g}°{part}"
    )


def _gate(criterion: Criterion, phase: Phase, *, is_between: bool) -> str:
    asked = angle_words(criterion, "must be at", "must lean by")
    if phase.strict and not criterion.tolerance:
        asked += f', to the degree, for "{phase.name}" to begin and to last'
    else:
        degree = ", to the degree," if phase.strict else ""
        asked += f'{degree} for "{phase.name}" to begin'
        if beyond := _beyond(criterion):
            asked += f", and {beyond} ends it"
    turned = "; who turns back in it has not been at the end beyond" if is_between else ""
    return sentence_of(f"{asked}{turned}.")


def _condition(criterion: Criterion, phase: Phase, beyond: str) -> str:
    angle = angle_words(criterion, "must be at", "must lean by")
    degree = ", to the degree," if phase.strict else ""
    return sentence_of(
        f'{angle}{degree} for "{phase.name}" to begin; {beyond} for'
        f" {_SETTINGS.phase.condition_ms / 1000:g} s, at any time, breaks the repetition off."
    )


def _beyond(criterion: Criterion) -> str:
    """The angles too far beyond the band to go on; empty where there are none."""
    tolerance = tolerance_of(criterion, _SETTINGS.phase.hysteresis_degrees)
    low = criterion.minimum - tolerance
    high = criterion.maximum + tolerance
    below = [f"less than {low:g}°"] if low > 0.0 else []
    above = [f"more than {high:g}°"] if high < 180.0 else []
    return " or ".join([*below, *above])


# --- The words of the sentences --------------------------------------------------------------

_OWNERS: Final[dict[Side | None, str]] = {
    None: "the",
    "left": "the left",
    "right": "the right",
    "both": "each",
    "either": "at least one",
    "front": "the front",
    "back": "the back",
}


def for_longer(grace_ms: float) -> str:
    return f" for over {grace_ms / 1000:g} s" if grace_ms else ""


def angle_words(
    criterion: Criterion, of_joint: str, of_lean: str, band: tuple[float, float] | None = None
) -> str:
    """The angle in its own band or in another, such as `the left knee is at 90° or less`."""
    verb = of_joint if criterion.measure in JOINT_LANDMARKS else of_lean
    name = criterion.measure.replace("_", " ")
    low, high = band or (criterion.minimum, criterion.maximum)
    return f"{_OWNERS[criterion.side]} {name} {verb} {band_words(low, high)}"


def sentence_of(text: str) -> str:
    return text[0].upper() + text[1:]


def band_words(low: float, high: float) -> str:
    if low == high:
        return f"exactly {low:g}°"
    if low <= 0.0:
        return f"{high:g}° or less" if high < 180.0 else "any angle"
    return f"{low:g}° to {high:g}°" if high < 180.0 else f"{low:g}° or more"


TEMPO_WORDS: Final[dict[TempoPart, str]] = {
    "out": "the way out",
    "stay": "the stay at the far end",
    "back": "the way back",
}


def times_words(check: TempoCheck) -> str:
    """Such as `2 s to 4 s`."""
    low, high = f"{check.minimum_ms / 1000:g} s", f"{check.maximum_ms / 1000:g} s"
    if check.minimum_ms == 0.0:
        return f"{high} or less"
    if check.maximum_ms == inf:
        return f"{low} or more"
    return f"exactly {low}" if low == high else f"{low} to {high}"


def measure_words(measure: Measure) -> str:
    name = measure.replace("_", " ")
    return f"the {name}" if measure in JOINT_LANDMARKS else f"the lean of the {name}"


def listed(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
