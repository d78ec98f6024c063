"""A MoveSpec in the words of its page: how it counts, from where it is filmed, what it tells."""

import re
from collections.abc import Sequence
from typing import Final

from detection import Cue, MoveSpec, Role, Step, View
from detection.landmarks import BODY_PARTS
from detection.role_words import angle_words
from detection.spec import COMPLETED, INTERRUPTED, NOT_READY, Lack, Reason

WHENS: Final = {
    COMPLETED: "as it is completed",
    INTERRUPTED: "as one does not count",
    NOT_READY: "while it waits",
}
REASONS: Final[dict[Reason | Lack, str]] = {
    "out_of_order": "its order was left",
    "session_ended": "the session ended in it",
    "pose_lost": "nobody was seen any more",
    "condition": "what must hold throughout did not",
    "not_reached": "it was not done to its end",
    "too_slow": "it took too long",
    "poor_form": "a required check was missed",
    "not_ready": "the person left their place",
    "visible": "not all that must be seen is seen",
    "view": "the camera sees another side",
    "start": "it does not begin as it should",
}
PARTS: Final = {"nose": "head", "foot_index": "toes"}
VIEWS: Final[dict[View, str]] = {
    "side": "Stay side-on to the camera, with either side: within 30° it counts.",
    "front": "Face the camera, or show it your back: within 30° it counts.",
}


def seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:g} s"


def quoted(name: str) -> str:
    return f"“{name}”"


APART: Final = "Left and right are counted apart, in any order."


def counted(spec: MoveSpec) -> list[str]:
    """How a repetition, or a hold, comes to be counted."""
    if spec.type == "hold":
        [phase] = spec.phases
        bridged = f" A break of up to {seconds(spec.grace_ms)} is bridged, and not counted."
        sentences = [
            f"It is a hold: {quoted(phase.name)} for {seconds(spec.target_ms)}.{bridged}",
            "It counts once at that time, and goes on until it is let go; the longest is told.",
        ]
        return [*sentences, APART] if spec.counts_each_side else sentences
    steps = ", then ".join(map(_step, spec.steps))
    again = " again" if spec.sequence[0] == spec.sequence[-1] else ""
    sentences = [f"A repetition is {steps}{again}. It counts as the last of these begins."]
    if spec.counts_each_side:
        sentences.append(APART)
    if all(phase.strict for phase in spec.phases):
        sentences.append("Its bands are judged to the degree.")
    else:
        sentences.append(
            "The bands give the start: then the person's own range says how far is far enough."
        )
    return sentences


def _step(step: Step) -> str:
    words = quoted(step.phase)
    if step.hold_ms:
        words += f" for {seconds(step.hold_ms)}"
    if step.within_ms is not None:
        words += f" within {seconds(step.within_ms)}"
    return f"{words}, which may be left out" if step.is_optional else words


def asked_first(spec: MoveSpec) -> list[str]:
    """What a setup asks for before anything counts."""
    setup = spec.setup
    if setup is None:
        return ["It has no setup: it counts from the first frame on."]
    asked = []
    if setup.visible:
        pair = "" if setup.view == "front" else " Of a left and a right one, one will do."
        asked.append(f"It waits until the camera sees {_parts(setup.visible)}.{pair}")
    if setup.view in VIEWS:
        asked.append(f"{VIEWS[setup.view]} Else it waits.")
    if setup.start:
        angles = [angle_words(one, "is at", "leans by") for one in setup.start]
        asked.append(f"It begins once {' and '.join(angles)}, for a second.")
    return asked


def _parts(landmarks: Sequence[str]) -> str:
    if set(landmarks) == set(BODY_PARTS["full_body"]):
        return "the whole body"
    names = [re.sub("^(left|right)_", "", name) for name in landmarks]
    plain = dict.fromkeys(PARTS.get(name, f"{name}s") for name in names)
    *others, last = plain
    return f"{', '.join(others)} and {last}" if others else last


def cue_when(cue: Cue, role: Role | None) -> str:
    """When a cue is sent; `role` is that of its criterion."""
    if role is not None:
        return role.sentence.partition("essage is sent ")[2].removesuffix(".")
    when = WHENS.get(cue.when, f"as {quoted(cue.when)} begins")
    if cue.reason is not None:
        when += f": {REASONS[cue.reason]}"
    every = f"; one in {cue.every} of these times, and the first" if cue.every > 1 else ""
    gap = f"; not within {seconds(cue.min_gap_ms)} of the last" if cue.min_gap_ms else ""
    return when + every + gap
