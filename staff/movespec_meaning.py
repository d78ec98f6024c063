"""What a MoveSpec means, line by line, and what a version changed in it: `knee at bottom: at most
110° → 120°`."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from detection import Criterion, Cue, MoveSpec, Parameter, Step, Validation
from detection.engine.role_words import times_words
from sessions_app.attempt_words import band_words, measure_words

ARROW = " → "
NUMBER = re.compile(r"[0-9][0-9.]*°?")


class Meaning(NamedTuple):
    """One thing that a MoveSpec says: of what, and what."""

    subject: str
    said: str


def meanings_of(validation: Validation) -> list[Meaning]:
    """All that a valid text says, each subject once; empty where it is not valid."""
    if validation.spec is None:
        return []
    found = [*_of_spec(validation.spec), *map(_parameter, validation.parameters)]
    seen = Counter[str]()
    numbered = []
    for subject, said in found:
        seen[subject] += 1
        again = f" ({seen[subject]})" if seen[subject] > 1 else ""
        numbered.append(Meaning(subject + again, said))
    return numbered


def changes(old: Sequence[Meaning], new: Sequence[Meaning]) -> list[Meaning]:
    """What is said otherwise, what is new and what is gone, in the order of the new text."""
    before, after = dict(old), dict(new)
    found = [
        Meaning(subject, _from_to(before[subject], said) if subject in before else f"new, {said}")
        for subject, said in new
        if before.get(subject) != said
    ]
    gone = [Meaning(subject, f"gone, was {said}") for subject, said in old if subject not in after]
    return found + gone


def _from_to(old: str, new: str) -> str:
    """`at most 110° → 120°` where a number alone has changed, else both whole."""
    before, after = NUMBER.findall(old), NUMBER.findall(new)
    is_number_alone = NUMBER.sub("", old) == NUMBER.sub("", new)
    if is_number_alone and len(before) == len(after) == 1:
        return old.replace(before[0], f"{before[0]}{ARROW}{after[0]}")
    return f"{old}{ARROW}{new}"


def _of_spec(spec: MoveSpec) -> Iterator[Meaning]:
    yield Meaning("author's label", spec.version)
    yield Meaning("counts", f"{spec.type}s of {spec.movement_name}")
    if spec.type == "hold":
        held = f"{_time(spec.target_ms)}, breaks up to {_time(spec.grace_ms)} bridged"
        yield Meaning("held for", held)
    else:
        yield Meaning("sequence", ", then ".join(map(_step, spec.steps)))
    if spec.counts_each_side:
        yield Meaning("sides", "left and right counted apart")
    if spec.plane is not None:
        yield Meaning("plane", spec.plane)
    yield from _of_setup(spec)
    for phase in spec.phases:
        for one in phase.criteria:
            strict = ", to the degree" if phase.strict else ""
            yield Meaning(f"{measure_words(one)} at {phase.name}", _bounds(one) + strict)
    yield from _of_throughout(spec)
    for check in spec.checks:
        where = f" at {check.when}" if check.when else ""
        asked = f"{measure_words(check.criterion)} at its {check.extreme}{where} "
        required = ", required" if check.is_required else ""
        yield Meaning(f"check {check.name}", asked + _bounds(check.criterion) + required)
    for timed in spec.tempo:
        required = ", required" if timed.is_required else ""
        yield Meaning(f"check {timed.name}", times_words(timed) + required)
    for cue in spec.feedback:
        yield Meaning(*_cue(cue))


def _time(ms: float) -> str:
    """Exact, since two versions may differ in a millisecond."""
    return f"{ms:.12g} ms" if ms < 1000 else f"{ms / 1000:.12g} s"


def _step(step: Step) -> str:
    told = step.phase
    if step.hold_ms:
        told += f" for {_time(step.hold_ms)}"
    if step.within_ms is not None:
        told += f" within {_time(step.within_ms)}"
    return f"{told} (optional)" if step.is_optional else told


def _of_setup(spec: MoveSpec) -> Iterator[Meaning]:
    if spec.setup is None:
        return
    if spec.setup.visible:
        yield Meaning("setup, in sight", ", ".join(spec.setup.visible).replace("_", " "))
    if spec.setup.view != "any":
        yield Meaning("setup, seen from", spec.setup.view)
    for one in spec.setup.start:
        yield Meaning(f"setup, {measure_words(one)}", _bounds(one))


def _of_throughout(spec: MoveSpec) -> Iterator[Meaning]:
    if spec.throughout is None:
        return
    if not spec.throughout:
        yield Meaning("throughout", "nothing is asked")
    for condition in spec.throughout:
        grace = f", broken for at most {_time(condition.grace_ms)}"
        asked = _bounds(condition.criterion) + grace
        yield Meaning(f"{measure_words(condition.criterion)} throughout", asked)


def _bounds(criterion: Criterion) -> str:
    given = f", give or take {criterion.tolerance:g}°" if criterion.tolerance else ""
    return band_words(criterion.minimum, criterion.maximum) + given


def _cue(cue: Cue) -> tuple[str, str]:
    if cue.check:
        when, of, asked = f"check {cue.check}, {'met' if cue.is_met else 'missed'}", "", ""
    elif cue.criterion:
        when, of = cue.when, f", {measure_words(cue.criterion)}"
        asked = f" if {cue.extreme or 'it is'} {_bounds(cue.criterion)}"
    else:
        when, of, asked = cue.when, "", ""
    reason = f" by {cue.reason}" if cue.reason else ""
    often = f", one in {cue.every}" if cue.every > 1 else ""
    often += f", at most every {_time(cue.min_gap_ms)}" if cue.min_gap_ms else ""
    key = f", key {cue.key}" if cue.key else ""
    said = f"“{cue.message}” ({cue.level}){asked}{often}{key}"
    return f"message at {when}{reason}{of}".replace("_", " "), said


def _parameter(one: Parameter) -> Meaning:
    return Meaning(
        f"parameter {one.name}", f"{one.default:g}, from {one.minimum:g} to {one.maximum:g}"
    )
