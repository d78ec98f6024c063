"""The pages of the catalogue, in Markdown: one of each movement, and one of all of them.

A movement's page is made from its MoveSpec and the figure; nothing is written for one alone.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final

from django.conf import settings

from detection import Cue, MoveSpec, Role, Step, Validation, View, camera, roles, validate
from detection.landmarks import BODY_PARTS
from detection.roles import angle_words, listed, rationed
from detection.spec import COMPLETED, INTERRUPTED, MOVEMENT, NOT_READY, Lack, Reason
from dev.poses.figure import MOVEMENTS
from movespecs.accuracy import MIN_WITHIN_ONE, facts_of, read_cards, unmeasured, why_experimental
from movespecs.catalogue import catalogue_id, catalogue_slugs, catalogue_text

LANGUAGES = {"en": "English", "de": "German"}
PICTURES = "../../docs/movements"


@cache
def validated(slug: str) -> Validation:
    """A MoveSpec of the catalogue, valid as all of them are."""
    return validate(catalogue_text(slug))


@cache
def catalogue_spec(slug: str) -> MoveSpec:
    """A MoveSpec of the catalogue with its defaults."""
    return validated(slug).spec_with({})


def _title(slug: str) -> str:
    name = catalogue_spec(slug).name
    return name[:1].upper() + name[1:]


def movement_page(slug: str) -> Iterator[str]:
    """The Markdown of a movement's page. Its links begin in the folder of the catalogue."""
    spec, card, figure = catalogue_spec(slug), read_cards().get(slug), MOVEMENTS.get(slug)
    found = roles(spec)
    by_path = {role.path: role for role in found}
    yield f"# {_title(slug)}\n"
    yield f"{spec.description or ''}\n"
    if why := why_experimental(card):
        yield f"**Experimental**: {why}.\n"
    count_me = [f"[Count me](/try?movement={slug})"] if settings.TRY_PAGE and figure else []
    in_the_api = f"[The MoveSpec in the API](/api/movespecs/{catalogue_id(slug)})"
    yield f"{' · '.join([*count_me, in_the_api, '[All movements](../movespecs/)'])}\n"
    if figure is not None:
        yield f"How it is done: {figure.source}\n"
    yield "## How it is counted\n"
    yield f"{' '.join(counted(spec))} Its `event_key` is `{spec.movement_name}`.\n"
    if figure is not None:
        yield "".join(
            f"![The figure in {quoted(phase.name)}, with the angles that are bounded]"
            f"({PICTURES}/{slug}/phase-{number}.svg)\n"
            for number, phase in enumerate(spec.phases, 1)
        )
    yield from (f"- {one.sentence}" for one in found if one.role not in ("check", "cue"))
    yield "\n## Where to film\n"
    if figure is not None:
        yield (
            "![From above: the figure, the camera that filmed it, and in yellow where a camera may "
            f"stand]({PICTURES}/{slug}/camera.svg)\n"
        )
        yield f"{figure.stance} two to three metres away.\n"
    yield from (f"- {sentence}" for sentence in (camera(spec).sentence, *asked_first(spec)))
    yield ""
    if spec.check_paths:
        yield "## Checks\n"
        yield "How well each one was done, which `form` tells:\n"
        untried = unmeasured(card, spec.check_paths)
        for name, path in spec.check_paths.items():
            # The sentence names the check first, as these lines do.
            _, _, asked = by_path[path].sentence.partition(f'or "{name}" ')
            mark = " *Not measured on people.*" if name in untried else ""
            yield f"- **{name}**: {asked}{mark}"
        yield ""
    if parameters := validated(slug).parameters:
        yield "## Parameters\n"
        yield "Numbers that a session may give, as people differ:\n"
        yield from _table(
            ("Name", "What it is", "Default", "Least to most"),
            (
                (
                    f"`{one.name}`",
                    one.description or "",
                    f"{one.default:g}",
                    f"{one.minimum:g} to {one.maximum:g}",
                )
                for one in parameters
            ),
        )
    if spec.feedback:
        yield "## Cues\n"
        yield "What is said, in the language of the session's `locale`:\n"
        translated = [validated(slug).spec_with({}, tag).feedback for tag in LANGUAGES]
        yield from _table(
            ("When", "Key", *LANGUAGES.values()),
            (
                (
                    cue_when(cue, by_path.get(f"{MOVEMENT}.feedback[{number}]")),
                    f"`{cue.key}`" if cue.key else "-",
                    *(cues[number].message for cues in translated),
                )
                for number, cue in enumerate(spec.feedback)
            ),
        )
    yield "## How well it counts\n"
    if card is None or not card.people:
        yield (
            "Tried on a figure only: nobody has recorded people who do it, so how well it counts "
            "them is not known.\n"
        )
        if card is not None and card.false_per_minute is not None:
            yield (
                "While a figure does no exercise, it counts "
                f"{card.false_per_minute:g} a minute by mistake.\n"
            )
    else:
        facts = facts_of(card)
        yield "[Measured over recordings](../../docs/api.md#accuracy) of people:\n"
        yield from _table(list(facts), [list(facts.values())])
    if card is not None and card.cannot_see:
        yield f"What it can't see: {card.cannot_see}\n"
    yield "## The MoveSpec\n"
    yield "Begin with it, and change what you like: [the language](../../docs/movespec.md).\n"
    yield f"```yaml\n{catalogue_text(slug)}```\n"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def catalogue_page(title: str, summary: str) -> Iterator[str]:
    """The Markdown of the page. Its links begin in the folder of the examples."""
    yield f"# {title}\n\n{summary}\n"
    yield (
        "A movement is **experimental** if no people were recorded who do it, or if fewer than "
        f"{MIN_WITHIN_ONE:.0%} of their recordings are counted within one.\n"
    )
    cards = read_cards()
    names = {
        slug: f"[{_title(slug)}](movespecs/{slug}.yaml)"
        + (" (experimental)" if why_experimental(cards.get(slug)) else "")
        for slug in catalogue_slugs()
    }
    for kind, heading in {
        "repetition": "Counted in repetitions",
        "hold": "Held for a time",
    }.items():
        yield f"## {heading}\n"
        for slug, name in names.items():
            spec = catalogue_spec(slug)
            if spec.type == kind:
                figure = f"![](../docs/movements/{slug}/figure.svg) " if slug in MOVEMENTS else ""
                yield f"- {figure}{name}: {spec.description or ''}"
        yield ""
    if rows := {slug: facts_of(card) for slug, card in cards.items()}:
        yield "## How well each is counted\n"
        yield "[Measured over recordings](../docs/api.md#accuracy) of people:\n"
        yield from _table(
            ("Movement", *next(iter(rows.values()))),
            ((names[slug], *facts.values()) for slug, facts in rows.items()),
        )


# --- A MoveSpec in words: how it counts, from where it is filmed, what it tells ---------------

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


def counted(spec: MoveSpec) -> Iterator[str]:
    """How a repetition, or a hold, comes to be counted."""
    if spec.type == "hold":
        [phase] = spec.phases
        yield f"It is a hold: {quoted(phase.name)} for {seconds(spec.target_ms)}."
        yield f"A break of up to {seconds(spec.grace_ms)} is bridged, and not counted."
        yield "It counts once at that time, and goes on until it is let go; the longest is told."
    else:
        steps = ", then ".join(map(_step, spec.steps))
        again = " again" if spec.sequence[0] == spec.sequence[-1] else ""
        yield f"A repetition is {steps}{again}. It counts as the last of these begins."
    if spec.counts_each_side:
        yield "Left and right are counted apart, in any order."
    if spec.type == "hold":
        return
    if all(phase.strict for phase in spec.phases):
        yield "Its bands are judged to the degree."
    else:
        yield "The bands give the start: then the person's own range says how far is far enough."


def _step(step: Step) -> str:
    words = quoted(step.phase)
    if step.hold_ms:
        words += f" for {seconds(step.hold_ms)}"
    if step.within_ms is not None:
        words += f" within {seconds(step.within_ms)}"
    return f"{words}, which may be left out" if step.is_optional else words


def asked_first(spec: MoveSpec) -> Iterator[str]:
    """What a setup asks for before anything counts."""
    setup = spec.setup
    if setup is None:
        yield "It has no setup: it counts from the first frame on."
        return
    if setup.visible:
        pair = "" if setup.view == "front" else " Of a left and a right one, one will do."
        yield f"It waits until the camera sees {_parts(setup.visible)}.{pair}"
    if setup.view in VIEWS:
        yield f"{VIEWS[setup.view]} Else it waits."
    if setup.start:
        angles = [angle_words(one, "is at", "leans by") for one in setup.start]
        yield f"It begins once {' and '.join(angles)}, for a second."


def _parts(landmarks: Sequence[str]) -> str:
    if set(landmarks) == set(BODY_PARTS["full_body"]):
        return "the whole body"
    names = [re.sub("^(left|right)_", "", name) for name in landmarks]
    return listed(dict.fromkeys(PARTS.get(name, f"{name}s") for name in names))


def cue_when(cue: Cue, role: Role | None) -> str:
    """When a cue is sent; `role` is that of its criterion."""
    if role is not None:
        return role.sentence.partition("essage is sent ")[2].removesuffix(".")
    when = WHENS.get(cue.when, f"as {quoted(cue.when)} begins")
    if cue.reason is not None:
        when += f": {REASONS[cue.reason]}"
    return when + rationed(cue)
