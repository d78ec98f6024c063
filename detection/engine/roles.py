"""The roles of a MoveSpec's criteria: what each does to the count, and from where it is seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from detection.engine.carriers import Carrier, Travel, find_conditions, find_travels, used_phases
from detection.engine.settings import EngineSettings
from detection.spec import (
    JOINT_LANDMARKS,
    MOVEMENT,
    Criterion,
    Cue,
    Measure,
    MoveSpec,
    Phase,
    Side,
    View,
)

RoleName = Literal["carries", "gate", "condition", "unused", "cue"]

ROLE_NAMES: Final[dict[RoleName, str]] = {
    "carries": "It is at an end of the movement. The person's own range says what counts.",
    "gate": "It must hold in its band for its phase to be entered.",
    "condition": "It is a gate, and what all phases allow must hold between them too.",
    "unused": "Its phase is not in the sequence, and counts nothing.",
    "cue": "It says when a message is sent, and counts nothing.",
}
"""Every role that a criterion can have, with one line of meaning."""

VIEWS: Final[dict[View, str]] = {
    "side": "Seen from the side.",
    "front": "Seen from the front.",
    "any": "Seen from everywhere.",
}
"""Every view that a criterion's angle is seen from, in words."""

_SETTINGS: Final = EngineSettings()
# An arm swings by 90 degrees and more, forward or aside. docs/movespec.md has what was measured.
_SEEN_FROM_EVERYWHERE: Final[tuple[Measure, ...]] = ("shoulder", "upper_arm", "forearm")
_OWNERS: Final[dict[Side | None, str]] = {
    None: "the",
    "left": "the left",
    "right": "the right",
    "both": "each",
    "either": "at least one",
    "front": "the front",
    "back": "the back",
}


@dataclass(frozen=True, slots=True)
class Role:
    """What one criterion does: its path in the document, its role, a sentence for a coach, and the
    view that its angle is seen from."""

    path: str
    role: RoleName
    sentence: str
    view: View


def roles(spec: MoveSpec) -> tuple[Role, ...]:
    """The role of each criterion: those of the phases, then those of the cues.

    It is what an engine with its default settings decides by the MoveSpec, before any frame.
    """
    return (*_of_phases(spec), *_of_cues(spec.feedback))


def _of_phases(spec: MoveSpec) -> Iterator[Role]:
    used = used_phases(spec)
    strict = frozenset(phase.name for phase in used if phase.strict)
    carried = {
        carrier.measure: (travel, carrier)
        for travel in find_travels(spec)
        for carrier in travel.carriers
    }
    conditions = {(one.measure, one.side): _beyond(one) for one in find_conditions(spec)}
    for index, phase in enumerate(spec.phases):
        for number, criterion in enumerate(phase.criteria):
            travel, carrier = carried.get(criterion.measure, (None, None))
            beyond = conditions.get((criterion.measure, criterion.side))
            role: RoleName
            if phase not in used:
                role, sentence = "unused", _unused(criterion, phase)
            elif travel and carrier and travel.carries(phase, criterion.measure):
                role, sentence = "carries", _carries(criterion, phase, travel, carrier, strict)
            elif beyond:  # a band that no angle can miss by so much is no condition
                role, sentence = "condition", _condition(criterion, phase, beyond)
            else:
                role, sentence = "gate", _gate(criterion, phase, is_between=travel is not None)
            path = f"{MOVEMENT}.phases[{index}].criteria[{number}]"
            yield Role(path, role, sentence, _view(criterion))


def _of_cues(cues: Sequence[Cue]) -> Iterator[Role]:
    for number, cue in enumerate(cues):
        if cue.criterion is not None:
            angle = _angle(cue.criterion, "is at", "leans by")
            sentence = f'The message is sent once in each stay in "{cue.when}", as soon as {angle}.'
            yield Role(f"{MOVEMENT}.feedback[{number}]", "cue", sentence, _view(cue.criterion))


def _view(criterion: Criterion) -> View:
    if criterion.side in ("both", "either"):
        return "front"  # from the side the far limb is hidden
    if criterion.side in ("front", "back"):
        return "side"  # from the front no limb is seen to lead
    return "any" if criterion.measure in _SEEN_FROM_EVERYWHERE else "side"


def _unused(criterion: Criterion, phase: Phase) -> str:
    angle = _angle(criterion, "is at", "leans by")
    return f'The sequence does not use "{phase.name}", which counts nothing: it tells when {angle}.'


def _carries(
    criterion: Criterion, phase: Phase, travel: Travel, carrier: Carrier, strict: frozenset[str]
) -> str:
    is_at_start = phase.name in travel.start
    is_low = carrier.is_low_at_start == is_at_start
    here, there = (travel.start, travel.end) if is_at_start else (travel.end, travel.start)
    others = [one.measure for one in travel.carriers if one is not carrier]
    if phase.strict:
        angle = _angle(criterion, "at", "leaning by")
        edge = ", and into this band to the degree"
    elif is_low:
        angle = _angle(criterion, "at", "leaning by", (0.0, criterion.maximum))
        edge = f"; less than {criterion.minimum:g}° counts too" if criterion.minimum else ""
    else:
        angle = _angle(criterion, "at", "leaning by", (criterion.minimum, 180.0))
        edge = f"; more than {criterion.maximum:g}° counts too" if criterion.maximum < 180 else ""
    together = f", together with {_listed(others)}" if others else ""
    return _sentence(
        f"{angle} is the {'low' if is_low else 'high'} end of the movement,"
        f' "{phase.name}"{together}:'
        f" {_way(travel, carrier, here <= strict, there <= strict)}{edge}."
    )


def _way(travel: Travel, carrier: Carrier, is_strict: bool, is_from_strict: bool) -> str:
    """The way to come from the other end. An end is strict where all its phases are."""
    swing = _SETTINGS.swing
    least = swing.least_swing(travel.gap)
    in_sum, part = "", ""
    if len(travel.carriers) > 1:
        in_sum = " in sum"
        part = f", of which {_name(carrier.measure)} {swing.least_swing_share * carrier.gap:g}°"
    if is_strict:
        return f"each repetition must come at least {least:g}°{in_sum} from the other end{part}"
    shorter = ", or of the last way if that was shorter" if is_from_strict else ""
    return (
        f"the first repetition must come {max(travel.gap, least):g}°{in_sum} from the other end,"
        f" later ones {swing.swing_share * 100:g} % of the person's usual way{shorter}, and each at"
        f" least {least:g}°{part}"
    )


def _gate(criterion: Criterion, phase: Phase, *, is_between: bool) -> str:
    asked = _angle(criterion, "must be at", "must lean by")
    if phase.strict:
        asked += f', to the degree, for "{phase.name}" to begin and to last'
    else:
        asked += f' for "{phase.name}" to begin'
        if beyond := _beyond(criterion):
            asked += f", and {beyond} ends it"
    turned = "; who turns back in it has not been at the end beyond" if is_between else ""
    return _sentence(f"{asked}{turned}.")


def _condition(criterion: Criterion, phase: Phase, beyond: str) -> str:
    angle = _angle(criterion, "must be at", "must lean by")
    degree = ", to the degree," if phase.strict else ""
    return _sentence(
        f'{angle}{degree} for "{phase.name}" to begin; {beyond} for'
        f" {_SETTINGS.phase.condition_ms / 1000:g} s, at any time, breaks the repetition off."
    )


def _beyond(criterion: Criterion) -> str:
    """The angles too far beyond the band to go on; empty where there are none."""
    low = criterion.minimum - _SETTINGS.phase.hysteresis_degrees
    high = criterion.maximum + _SETTINGS.phase.hysteresis_degrees
    below = [f"less than {low:g}°"] if low > 0.0 else []
    above = [f"more than {high:g}°"] if high < 180.0 else []
    return " or ".join([*below, *above])


def _angle(
    criterion: Criterion, of_joint: str, of_lean: str, band: tuple[float, float] | None = None
) -> str:
    """The angle in its own band or in another, such as `the left knee is at 90° or less`."""
    verb = of_joint if criterion.measure in JOINT_LANDMARKS else of_lean
    name = criterion.measure.replace("_", " ")
    low, high = band or (criterion.minimum, criterion.maximum)
    return f"{_OWNERS[criterion.side]} {name} {verb} {_band(low, high)}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _band(low: float, high: float) -> str:
    if low == high:
        return f"exactly {low:g}°"
    if low <= 0.0:
        return f"{high:g}° or less" if high < 180.0 else "any angle"
    return f"{low:g}° to {high:g}°" if high < 180.0 else f"{low:g}° or more"


def _name(measure: Measure) -> str:
    name = measure.replace("_", " ")
    return f"the {name}" if measure in JOINT_LANDMARKS else f"the lean of the {name}"


def _listed(measures: Sequence[Measure]) -> str:
    *others, last = map(_name, measures)
    return f"{', '.join(others)} and {last}" if others else last
