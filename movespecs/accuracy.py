"""The accuracy cards of the catalogue: how well each movement is counted, as `make score` measured
it over recordings of people."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from django.core.checks import CheckMessage, Error, register

from kynaplatform.api.schemas import Answer, doc
from movespecs.catalogue import FOLDER, catalogue_id, catalogue_slugs
from movespecs.models import MoveSpec

FILE: Path = FOLDER / "accuracy.json"

Count = Annotated[int, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
# A movement with a smaller share of recordings counted within one is experimental.
MIN_WITHIN_ONE: Final = 0.7


class WrittenCard(Answer, forbid_unknown_fields=True):
    """A card of the file, where a key that nobody reads is a mistake."""

    people: Annotated[Count, doc("How many people were recorded.")]
    sets: Annotated[Count | None, doc("How many sets of recordings they are from.")]
    views: Annotated[list[str] | None, doc("From where they were filmed: side, front, …")]
    within_one: Annotated[
        Share | None, doc("The share of recordings counted within one of the human's count.")
    ]
    exact: Annotated[Share | None, doc("The share of recordings with the human's count.")]
    f1: Annotated[Share | None, doc("The harmonic mean of precision and recall of repetitions.")]
    false_per_minute: Annotated[
        Annotated[float, msgspec.Meta(ge=0)] | None,
        doc(
            "Repetitions a minute of a figure that rests, walks, gets up and down, "
            "drinks and sets up. Squats, lunges and sit-to-stands leave out getting up and down."
        ),
    ]
    cannot_see: Annotated[str | None, doc("What it can't see, in a sentence.")]
    measured_checks: Annotated[
        list[str], doc("The checks that were measured on people who did it right or wrong.")
    ]


class AccuracyCard(WrittenCard, forbid_unknown_fields=False):
    """How well people are counted by what was chosen without them; null where there were none."""

    experimental: Annotated[
        bool,
        doc(
            "Whether no people were recorded, or too few of the recordings were "
            f"counted within one: a share below {MIN_WITHIN_ONE}."
        ),
    ]


@cache
def accuracy_cards() -> Mapping[UUID, AccuracyCard]:
    """The cards by the ids of their MoveSpecs, read once in each process. Raises as read_cards."""
    return {catalogue_id(slug): card for slug, card in read_cards().items()}


def card_of(movespec: MoveSpec) -> AccuracyCard | None:
    """The card of a movement of the catalogue, or of a fork that has released the same text."""
    source, own = movespec.forked_from, movespec.current_released_version
    theirs = source and source.current_released_version
    is_same = source and own and theirs and own.content_hash == theirs.content_hash
    return accuracy_cards().get(source.id if source and is_same else movespec.id)


def read_cards() -> dict[str, AccuracyCard]:
    """The cards of FILE by the movement's slug; none where there is no such file.

    Raises ValueError, which names the movement and the key that is at fault.
    """
    try:
        written = msgspec.json.decode(FILE.read_bytes(), type=dict[str, msgspec.Raw])
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as fault:
        raise ValueError(f"{FILE.name}: {fault}") from fault
    cards: dict[str, AccuracyCard] = {}
    known = catalogue_slugs()
    for slug, card in written.items():
        if slug not in known:
            raise ValueError(f"{FILE.name}: the catalogue has no movement {slug}.")
        try:
            facts = msgspec.json.decode(card, type=WrittenCard)
        except msgspec.MsgspecError as fault:
            raise ValueError(f"{FILE.name}: {slug}: {fault}") from fault
        is_counted = facts.people > 0 and (facts.within_one or 0) >= MIN_WITHIN_ONE
        cards[slug] = AccuracyCard(**msgspec.structs.asdict(facts), experimental=not is_counted)
    return cards


def why_experimental(card: AccuracyCard | None) -> str:
    """Why a movement of the catalogue is experimental, as the rest of a sentence; empty for one
    that is not. Without a card there were no people."""
    if card is None or not card.people or card.within_one is None:
        return "it has not been tried on people"
    if not card.experimental:
        return ""
    return f"only {card.within_one:.0%} of recordings of people are counted within one"


def unmeasured(card: AccuracyCard | None, checks: Collection[str]) -> list[str]:
    """Those of the checks that were not measured on people."""
    return [name for name in checks if card is None or name not in card.measured_checks]


def facts_of(card: AccuracyCard) -> dict[str, str]:
    """The figures of a card for people, by their names; `-` is what nobody has measured."""
    return {
        "People": f"{card.people}",
        "Sets": _formatted(card.sets, ""),
        "Filmed from": ", ".join(card.views or ["-"]),
        "Within one": _formatted(card.within_one, ".0%"),
        "Exact": _formatted(card.exact, ".0%"),
        "F1": _formatted(card.f1, ".2f"),
        "False a minute": _formatted(card.false_per_minute, ".2f"),
    }


def _formatted(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


# With the tag of what keeps every process from starting.
@register("kynaplatform")
def check_accuracy_cards(**_: Any) -> list[CheckMessage]:
    try:
        read_cards()
    except ValueError as fault:
        hint = (
            "`make score ARGS=--write-docs` writes it. Restore it, or remove it to show no cards."
        )
        return [Error(str(fault), hint=hint, id="movespecs.E001")]
    return []
