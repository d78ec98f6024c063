"""The part `ablation`: what it costs to switch each rule of the engine off.

Each scene is seen once with every rule switched off. A rule whose row moves nothing is not worth
its code.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import detection.engine.plan as plan
from detection import ENGINE_BUILD, DetectionEvent, Engine, EngineSettings, MoveSpec, PoseFrame
from detection.engine.ranges import Stillness

from .ablation_scenes import (
    DIFFERS,
    FLAPS,
    HOSTILE,
    MORE_IS_BETTER,
    OFF_BY,
    RESTORES,
    Scene,
    scenes,
)
from .engine_runs import SHIPPED, Workers
from .tables import Row, Table

NEVER: Final = 1e12
# A phase that is entered this soon after it was left flaps.
FLAP_MS: Final = 300.0
COLUMNS: Final = (*MORE_IS_BETTER, *OFF_BY, FLAPS, RESTORES, HOSTILE, DIFFERS)


# How a rule is switched off: by other settings, or by another function in a class or module.
Off = EngineSettings | tuple[Any, str, Callable[..., Any]]


@contextmanager
def applied(off: Off) -> Iterator[EngineSettings]:
    if isinstance(off, EngineSettings):
        yield off
        return
    with patch.object(*off):
        plan.plan_of.cache_clear()
        yield SHIPPED
    plan.plan_of.cache_clear()


def _with(part: str, **values: float) -> Off:
    return replace(SHIPPED, **{part: replace(getattr(SHIPPED, part), **values)})


AS_SHIPPED: Final = "as shipped"
RULES: Final[dict[str, Off]] = {
    AS_SHIPPED: SHIPPED,
    "own range": _with("swing", range_swings=10**9),
    "least share of the gap": _with("swing", min_swing_share=0.0),
    "least degrees": _with("swing", min_swing_degrees=0.1),
    "stillness": (Stillness, "has_ended", lambda self: True),
    "barriers": (plan, "_edges", lambda *_: ()),
    "rivals": (plan, "can_hold_at_once", lambda *_: True),
    "inferred conditions": (plan, "find_conditions", lambda _: ()),
    "grace of conditions": _with("phase", condition_ms=0.0),
    "enter time": _with("phase", enter_ms=0.0),
    "exit time": _with("phase", exit_ms=0.0),
    "hysteresis": _with("phase", hysteresis_degrees=0.0),
    "smoothing": _with("smoothing", smoothing_ms=0.001),
    "weight cap": _with("smoothing", max_weight_m2=NEVER),
    "freshness": _with("smoothing", fresh_ms=NEVER),
    "visibility": _with("sight", min_visibility=0.0),
    "shortest segment": _with("sight", min_segment_m=1e-6),
    "longest segment": _with("sight", max_segment_m=1e150),
    "jumps": _with("sight", jump_degrees=NEVER),
    "lost tracking": _with("sight", lost_jumps=NEVER),
    "lost pose": _with("sight", pose_lost_ms=NEVER),
    "z": _with("depth", depth_weight=0.0),
    "depth by length": _with("depth", seen_share=0.0),
    "held lead": _with("lead", lead_held_ms=0.0),
    "bridge of a setup": _with("setup", bridge_ms=110.0),
    "settling of a hold": _with("phase", settle_ms=0.0),
}


def tables(workers: Workers) -> list[Table]:
    if ENGINE_BUILD.name == "compiled":
        raise SystemExit("The ablation changes functions of the engine: set COMPILED_ENGINE=none.")
    found = {name: Counter[str]() for name in RULES}
    for of in workers.each(ablate, scenes(workers)):
        for name, figures in of.items():
            found[name].update(figures)
    shipped = found.pop(AS_SHIPPED)
    rows: list[Row] = [(AS_SHIPPED, *(shipped[column] for column in COLUMNS))]
    for name, figures in found.items():
        changes = (figures[column] - shipped[column] for column in COLUMNS)
        rows.append((name, *(f"{change:+d}" if change else "" for change in changes)))
    title = "Each rule of the engine switched off: the change of the row above"
    return [Table(title, ("rule", *COLUMNS), rows)]


def ablate(scene: Scene) -> dict[str, Counter[str]]:
    """Called in a worker: the figures of a scene with each rule switched off."""
    frames = scene.frames()
    found, usual = {}, None
    for name, off in RULES.items():
        with applied(off) as settings:
            events = [_events(spec, frames, settings) for spec in scene.specs]
            of = _figures(scene, frames, events, settings)
        usual = events if usual is None else usual
        of[DIFFERS] = sum(one != other for one, other in zip(events, usual, strict=True))
        found[name] = of
    return found


def _events(
    spec: MoveSpec,
    frames: Sequence[PoseFrame],
    settings: EngineSettings,
    *,
    is_restored: bool = False,
) -> list[DetectionEvent] | None:
    """None where a frame raises. With `is_restored` the engine is stored and restored at each
    seventh frame."""
    engine, events = Engine(spec, settings), []
    try:
        for number, frame in enumerate(frames):
            if is_restored and number % 7 == 3:
                state = json.loads(json.dumps(engine.snapshot()))
                engine = Engine.restore(spec, state, settings)
            events += engine.feed(frame)
        return events + engine.finish()
    except (ArithmeticError, ValueError):
        return None


def _figures(
    scene: Scene,
    frames: Sequence[PoseFrame],
    found: Sequence[list[DetectionEvent] | None],
    settings: EngineSettings,
) -> Counter[str]:
    of: Counter[str] = Counter()
    for spec, events in zip(scene.specs, found, strict=True):
        if events is None:
            of[HOSTILE] += 1
            continue
        count = sum(event.type == "event_completed" for event in events)
        if scene.column == FLAPS:
            of[FLAPS] += flaps(events)
            of[RESTORES] += _events(spec, frames, settings, is_restored=True) != events
        elif scene.column in OFF_BY:
            of[scene.column] += abs(count - (scene.truth or 0))
        else:
            of[scene.column] += count > 0 if scene.truth is None else abs(count - scene.truth) <= 1
    return of


def flaps(events: Sequence[DetectionEvent]) -> int:
    """How often a phase is entered again right after it was exited."""
    exited: dict[tuple[str, str | None], float] = {}
    found = 0
    for event in events:
        if event.type.startswith("shape_"):
            phase = event.payload["shape_key"], event.payload.get("side")
            if event.type == "shape_exit":
                exited[phase] = event.ts_ms
            else:
                found += event.ts_ms - exited.get(phase, -NEVER) < FLAP_MS
    return found
