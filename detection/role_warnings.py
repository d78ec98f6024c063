"""The warnings that depend on what each criterion does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from detection.engine.carriers import find_travels, used_phases
from detection.engine.plan import criterion_path
from detection.language.issues import Issue, quote
from detection.language.validation import Validation
from detection.roles import camera, roles
from detection.spec import MOVEMENT, Criterion, MoveSpec


class _Found(NamedTuple):
    code: str
    message: str
    path: str


def with_role_warnings(validation: Validation) -> Validation:
    """The validation, with the warnings about what carries and what is a gate."""
    spec = validation.spec
    if spec is None:
        return validation
    found = list(validation.warnings)
    warnings = (
        *_unused_tolerances(spec),
        *_hidden_sides(spec),
        *_disagreeing_views(spec),
        *_nothing_carries(spec),
        *_unjudged_tempo(spec),
    )
    for code, message, path in warnings:
        mark = validation.marks[path]
        found.append(Issue(code, message, "warning", path, mark.line, mark.column))
    found.sort(key=lambda issue: (issue.line, issue.column))
    return replace(validation, warnings=tuple(found))


def _unused_tolerances(spec: MoveSpec) -> Iterator[_Found]:
    """Each tolerance of what carries outside a strict phase: there the person's own range says
    what is far enough."""
    travels = find_travels(spec)
    for index, phase in enumerate(spec.phases):
        for number, criterion in enumerate(phase.criteria):
            if (
                criterion.tolerance is not None
                and not phase.strict
                and any(travel.carries(phase, criterion.measure) for travel in travels)
            ):
                message = (
                    f"The tolerance does nothing: the {_words(criterion)} carries the movement, by"
                    " the person's own range. With judge: bands it is asked for."
                )
                yield _Found("unused_tolerance", message, criterion_path(index, number))


def _hidden_sides(spec: MoveSpec) -> Iterator[_Found]:
    """Each gate that asks for both sides where the view hides one."""
    if spec.setup is None or spec.setup.view != "side":
        return
    for path, criterion in _gates(spec):
        if criterion.side == "both":
            message = (
                f"From the side the body hides the far {_words(criterion)}, and the near one alone"
                " decides. Leave side out, or change the view."
            )
            yield _Found("hidden_side", message, path)


def _disagreeing_views(spec: MoveSpec) -> Iterator[_Found]:
    """The first criterion that is seen from elsewhere than others, and a setup's view from which
    one is not seen."""
    seen = [role for role in roles(spec) if role.role != "unused" and role.view != "any"]
    for role in seen:
        if role.view != seen[0].view:
            message = (
                f"A camera sees this from the {role.view}, and others from the {seen[0].view}."
                f" {camera(spec).sentence}"
            )
            yield _Found("views_disagree", message, role.path)
            break
    asked = spec.setup.view if spec.setup else "any"
    for role in seen:
        if asked not in ("any", role.view):
            plane = "sagittal" if asked == "side" else "frontal"
            message = (
                f"The setup asks for the {asked}, and an angle is seen from the {role.view}. Change"
                f" the view, or write plane: {plane} if the body moves in that plane."
            )
            yield _Found("views_disagree", message, "detection.setup.view")
            break


def _nothing_carries(spec: MoveSpec) -> Iterator[_Found]:
    """At the last phase: behind the warnings of phases that overlap, which is often why."""
    if spec.type == "repetition" and not find_travels(spec):
        message = (
            "Nothing carries the movement: no joint or lean is low in one phase of the sequence and"
            " high in another. Nobody who turns back has made an attempt."
        )
        yield _Found("nothing_carries", message, f"{MOVEMENT}.phases[{len(spec.phases) - 1}]")


def _unjudged_tempo(spec: MoveSpec) -> Iterator[_Found]:
    """Where no movement leads to the last step, no way is timed."""
    travels = find_travels(spec)
    if spec.tempo and not any(spec.sequence[-1] in one.start | one.end for one in travels):
        message = (
            f"Tempo is never judged: no angle carries the movement to {quote(spec.sequence[-1])},"
            " the last step, so no way is timed."
        )
        if any(one.is_required for one in spec.tempo):
            message += " As it is required, nothing counts."
        yield _Found("tempo_not_judged", message, f"{MOVEMENT}.tempo")


def _gates(spec: MoveSpec) -> Iterator[tuple[str, Criterion]]:
    """The paths and criteria of all gates and conditions."""
    travels = find_travels(spec)
    used = used_phases(spec) or spec.phases
    for index, phase in enumerate(spec.phases):
        for number, criterion in enumerate(phase.criteria):
            is_carried = any(travel.carries(phase, criterion.measure) for travel in travels)
            if phase in used and (phase.strict or not is_carried):
                yield criterion_path(index, number), criterion
    for number, condition in enumerate(spec.throughout or ()):
        yield f"{MOVEMENT}.throughout[{number}]", condition.criterion


def _words(criterion: Criterion) -> str:
    return criterion.measure.replace("_", " ")
