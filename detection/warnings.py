"""Warnings about a valid MoveSpec that probably does not do what its author wants."""

from collections.abc import Iterator
from itertools import combinations

from detection.engine.driving import find_motions, used_phases
from detection.language.issues import quote
from detection.overlap import can_hold_at_once
from detection.roles import camera, roles
from detection.spec import (
    ENTER_MS,
    FASTEST_DEGREES_PER_MS,
    MOVEMENT,
    NOT_READY,
    Criterion,
    MoveSpec,
    Setup,
)

# The degrees of the fastest repetitions in the time that a phase needs to be entered.
_MIN_WIDTH = FASTEST_DEGREES_PER_MS * ENTER_MS
# A code, a message and a path.
Finding = tuple[str, str, str]


def warnings_of(spec: MoveSpec) -> Iterator[Finding]:
    """The warnings about the phases, the sequence and the cues, and then those that depend on what
    carries the movement."""
    if spec.type == "repetition":
        yield from _phases(spec)
        yield from _narrow_phases(spec)
        yield from _open_sequence(spec)
    yield from _cues(spec)
    yield from _unused_tolerances(spec)
    yield from _hidden_sides(spec)
    yield from _disagreeing_views(spec)
    yield from _nothing_carries(spec)
    yield from _unjudged_tempo(spec)


def _phases(spec: MoveSpec) -> Iterator[Finding]:
    for index, phase in enumerate(spec.phases):
        if phase.name not in spec.sequence:
            message = f"The sequence never uses the phase {quote(phase.name)}."
            yield "unused_phase", message, f"{MOVEMENT}.phases[{index}]"
    for (_, one), (index, other) in combinations(enumerate(spec.phases), 2):
        if can_hold_at_once(one, other):
            message = (
                f"The phases {quote(one.name)} and {quote(other.name)} can hold at once: no angle"
                " sets them apart."
            )
            yield "overlapping_phases", message, f"{MOVEMENT}.phases[{index}]"


def _narrow_phases(spec: MoveSpec) -> Iterator[Finding]:
    """The criteria too narrow for a movement that goes from a band below to one above."""
    used = used_phases(spec)
    for path, phase, criterion in spec.phase_criteria():
        others = [
            (other, one)
            for other in used
            if other is not phase
            for one in other.criteria
            if one.measure == criterion.measure
        ]
        below = {other.name for other, one in others if one.maximum < criterion.minimum}
        above = {other.name for other, one in others if one.minimum > criterion.maximum}
        width = criterion.maximum - criterion.minimum
        if phase in used and width < _MIN_WIDTH and below - above and above - below:
            message = (
                f"The phase {quote(phase.name)} is {width:g} degrees wide between two others: a"
                f" fast repetition passes it before it is entered. Make it {_MIN_WIDTH:g} wide"
                " or more."
            )
            yield "narrow_phase", message, path


def _open_sequence(spec: MoveSpec) -> Iterator[Finding]:
    # Two steps count each return, also of somebody who is at the first as the session begins.
    is_return = len([step for step in spec.steps if not step.is_optional]) == 2
    if spec.sequence[0] != spec.sequence[-1] and not is_return:
        message = (
            f"The sequence begins with {quote(spec.sequence[0])} and ends with"
            f" {quote(spec.sequence[-1])}; a repetition usually ends where it began."
        )
        path = f"{MOVEMENT}.sequence[{len(spec.sequence) - 1}]"
        yield "sequence_not_closed", message, path


def _cues(spec: MoveSpec) -> Iterator[Finding]:
    """Cues on what can't be missing, or be judged; a phase of a stored version may be named
    not_ready."""
    setup = spec.setup or Setup()
    lacking = {
        "visible": bool(setup.visible),
        "view": setup.view != "any",
        "start": bool(setup.start),
    }
    is_judged = bool(spec.checks) or any(
        one.part != "back" or one.is_required for one in spec.tempo
    )
    for index, cue in enumerate(spec.feedback):
        path = f"{MOVEMENT}.feedback[{index}]"
        if cue.form is not None and not is_judged:
            message = "This cue is never sent: form is that of checks, and there are none."
            yield "cue_never_sent", message, path
        if cue.when != NOT_READY or any(phase.name == NOT_READY for phase in spec.phases):
            continue
        if not any(is_asked for lack, is_asked in lacking.items() if cue.reason in (None, lack)):
            asked = f"{cue.reason} of the setup" if cue.reason else "a setup"
            message = f"This cue is never sent: {NOT_READY} needs {asked} to ask for something."
            yield "cue_never_sent", message, path


def _unused_tolerances(spec: MoveSpec) -> Iterator[Finding]:
    """A tolerance of a driving angle outside a strict phase: there the person's own range says
    how far is far enough."""
    motions = find_motions(spec)
    for path, phase, criterion in spec.phase_criteria():
        is_driven = any(motion.is_driven_by(phase, criterion.measure) for motion in motions)
        if criterion.tolerance is not None and is_driven and not phase.strict:
            message = (
                f"The tolerance does nothing: the {_words(criterion)} carries the movement, by"
                " the person's own range. With judge: bands it is asked for."
            )
            yield "unused_tolerance", message, path


def _hidden_sides(spec: MoveSpec) -> Iterator[Finding]:
    """A constraint on both sides where the view hides one."""
    if spec.setup is None or spec.setup.view != "side":
        return
    motions, used = find_motions(spec), used_phases(spec) or spec.phases
    ignored = {
        path
        for path, phase, criterion in spec.phase_criteria()
        if phase not in used
        or (any(one.is_driven_by(phase, criterion.measure) for one in motions) and not phase.strict)
    }
    for path, criterion in spec.criteria_by_path.items():
        if criterion.side == "both" and path not in ignored:
            message = (
                f"From the side the body hides the far {_words(criterion)}, and the near one alone"
                " decides. Leave side out, or change the view."
            )
            yield "hidden_side", message, path


def _disagreeing_views(spec: MoveSpec) -> Iterator[Finding]:
    """The first criterion seen from elsewhere than the others, and the first that the setup's view
    does not see."""
    seen = [role for role in roles(spec) if role.role != "unused" and role.view != "any"]
    other = next((role for role in seen if role.view != seen[0].view), None)
    if other:
        message = (
            f"A camera sees this from the {other.view}, and others from the {seen[0].view}."
            f" {camera(spec).sentence}"
        )
        yield "views_disagree", message, other.path
    asked = spec.setup.view if spec.setup else "any"
    unseen = next((role for role in seen if asked not in ("any", role.view)), None)
    if unseen:
        plane = "sagittal" if asked == "side" else "frontal"
        message = (
            f"The setup asks for the {asked}, and an angle is seen from the {unseen.view}. Change"
            f" the view, or write plane: {plane} if the body moves in that plane."
        )
        yield "views_disagree", message, "detection.setup.view"


def _nothing_carries(spec: MoveSpec) -> Iterator[Finding]:
    """At the last phase: after the warnings of phases that overlap, which is often why."""
    if spec.type == "repetition" and not find_motions(spec):
        message = (
            "Nothing carries the movement: no joint or lean is low in one phase of the sequence and"
            " high in another. Nobody who turns back has made an attempt."
        )
        yield "nothing_carries", message, f"{MOVEMENT}.phases[{len(spec.phases) - 1}]"


def _unjudged_tempo(spec: MoveSpec) -> Iterator[Finding]:
    """Where no movement leads to the last step, no way is timed."""
    motions = find_motions(spec)
    if spec.tempo and not any(one.end_of(spec.sequence[-1]) for one in motions):
        message = (
            f"Tempo is never judged: no angle carries the movement to {quote(spec.sequence[-1])},"
            " the last step, so no way is timed."
        )
        if any(one.is_required for one in spec.tempo):
            message += " As it is required, nothing counts."
        yield "tempo_not_judged", message, f"{MOVEMENT}.tempo"


def _words(criterion: Criterion) -> str:
    return criterion.measure.replace("_", " ")
