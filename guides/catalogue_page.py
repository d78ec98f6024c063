"""The page of all movements of the catalogue, in Markdown: each with a small figure."""

from collections.abc import Iterator, Mapping

from guides.movement_page import catalogue_movement
from movespecs.accuracy import AccuracyCard, facts_of, read_cards
from movespecs.catalogue import catalogue_slugs
from poses.figure import MOVEMENTS


def catalogue_page(title: str, summary: str) -> str:
    """The Markdown of the page. Its links begin in the folder of the examples."""
    parts = [f"# {title}\n", f"{summary}\n"]
    kinds = {"repetition": "Counted in repetitions", "hold": "Held for a time"}
    movements = [catalogue_movement(slug) for slug in catalogue_slugs()]
    for kind, heading in kinds.items():
        parts.append(f"## {heading}\n")
        for one in movements:
            if one.spec.type == kind:
                parts.append(f"- {_figure(one.slug)}{_link(one.slug)}: {one.summary}")
        parts.append("")
    return "\n".join([*parts, *_accuracy(read_cards())])


def _figure(slug: str) -> str:
    return f"![](../docs/movements/{slug}/figure.svg) " if slug in MOVEMENTS else ""


def _link(slug: str) -> str:
    return f"[{catalogue_movement(slug).title}](movespecs/{slug}.yaml)"


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
        yield f"| {_link(slug)} | {' | '.join(facts.values())} |"
    yield ""
