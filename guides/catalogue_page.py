"""The page of all movements of the catalogue, in Markdown: each with a small figure."""

from collections.abc import Iterator, Mapping

from guides.movement_page import catalogue_movement
from movespecs.accuracy import (
    MIN_WITHIN_ONE,
    AccuracyCard,
    facts_of,
    read_cards,
    why_experimental,
)
from movespecs.catalogue import catalogue_slugs
from poses.figure import MOVEMENTS

EXPERIMENTAL = (
    "A movement is **experimental** if no people were recorded who do it, or if fewer than "
    f"{MIN_WITHIN_ONE:.0%} of their recordings are counted within one."
)


def catalogue_page(title: str, summary: str) -> str:
    """The Markdown of the page. Its links begin in the folder of the examples."""
    parts = [f"# {title}\n", f"{summary}\n", f"{EXPERIMENTAL}\n"]
    cards = read_cards()
    kinds = {"repetition": "Counted in repetitions", "hold": "Held for a time"}
    movements = [catalogue_movement(slug) for slug in catalogue_slugs()]
    for kind, heading in kinds.items():
        parts.append(f"## {heading}\n")
        for one in movements:
            if one.spec.type == kind:
                name = _name(one.slug, cards.get(one.slug))
                parts.append(f"- {_figure(one.slug)}{name}: {one.summary}")
        parts.append("")
    return "\n".join([*parts, *_accuracy(cards)])


def _figure(slug: str) -> str:
    return f"![](../docs/movements/{slug}/figure.svg) " if slug in MOVEMENTS else ""


def _name(slug: str, card: AccuracyCard | None) -> str:
    link = f"[{catalogue_movement(slug).title}](movespecs/{slug}.yaml)"
    return f"{link} (experimental)" if why_experimental(card) else link


def _accuracy(cards: Mapping[str, AccuracyCard]) -> Iterator[str]:
    """The figures of the accuracy cards, a row a movement."""
    rows = {slug: facts_of(card) for slug, card in cards.items()}
    if not rows:
        return
    names = next(iter(rows.values()))
    yield "## How well each is counted\n"
    yield "[Measured over recordings](../docs/api.md#accuracy) of people:\n"
    yield f"| Movement | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for slug, facts in rows.items():
        yield f"| {_name(slug, cards[slug])} | {' | '.join(facts.values())} |"
    yield ""
