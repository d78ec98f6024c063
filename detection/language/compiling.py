"""The MoveSpec of a document's checked values."""

from typing import Any

from detection.spec import Criterion, Cue, MoveSpec, Phase, Step

Values = dict[str, Any]


def compile_movespec(document: Values) -> MoveSpec:
    movement = document["detection"]["movement"]
    return MoveSpec(
        name=document["name"],
        version=document["version"],
        description=document.get("description"),
        movement_name=movement["name"],
        phases=tuple(_phase(phase) for phase in movement["phases"]),
        steps=tuple(map(Step, movement["sequence"])),
        feedback=tuple(_cue(cue) for cue in movement["feedback"]),
    )


def _phase(phase: Values) -> Phase:
    criteria = tuple(_criterion(criterion) for criterion in phase["criteria"])
    return Phase(phase["name"], phase.get("description"), criteria, phase["strict"])


def _cue(cue: Values) -> Cue:
    criterion = _criterion(cue) if "joint" in cue or "lean" in cue else None
    return Cue(cue["when"], criterion, cue["level"], cue["message"])


def _criterion(values: Values) -> Criterion:
    return Criterion(
        measure=values.get("joint") or values["lean"],
        side=values.get("side"),
        minimum=float(values["angle_min"]),
        maximum=float(values["angle_max"]),
    )
