"""The headings of a guide, each with its anchor."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it.token import Token


@dataclass(frozen=True)
class Heading:
    level: int
    anchor: str
    text: str


def anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
    """The headings, each with the id that GitHub gives it."""
    taken: Counter[str] = Counter()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(part.content for part in inline.children or ())
            anchor = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            taken[anchor] += 1
            if (before := taken[anchor] - 1) > 0:
                anchor = f"{anchor}-{before}"
            opening.attrSet("id", anchor)
            yield Heading(int(opening.tag[1:]), anchor, text)
