"""A guide's Markdown as HTML: anchors for its headings, addresses for its links and pictures.

The text is the project's own. All the same no HTML of it is passed on, so that what looks like a
tag in a text is shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from guides.navigation import Guide, address_of
from movespecs.accuracy import AccuracyCard, facts_of, read_cards
from movespecs.catalogue import catalogue_slugs, catalogue_text

COMMENT = re.compile(r"\s*<!--.*-->\s*", re.DOTALL)
# What is wide scrolls in a box of its own, by keyboard too. The text itself has no such tag.
SCROLLING = {
    "<pre>": '<pre tabindex="0">',
    "<table>": '<div class="scrolls" tabindex="0" role="group" aria-label="Table">\n<table>',
    "</table>": "</table>\n</div>",
}
LISTED = ("h2", "h3")


@dataclass(frozen=True)
class Heading:
    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Rendered:
    title: str
    html: str
    contents: list[Heading]


@cache
def rendered(guide: Guide) -> Rendered:
    """The page of a guide, rendered once in each process."""
    markdown = _markdown()
    source = guide.source
    text = source.read_text(encoding="utf-8") if source.is_file() else _page_of(guide)
    tokens = markdown.parse(text)
    headings = list(_anchored(tokens))
    for token in tokens:
        # The content security policy allows no inline style.
        if (style := token.attrs.pop("style", None)) is not None:
            token.attrSet("class", str(style).replace(":", "-"))
        if token.children is not None:
            token.children = list(_with_addresses(token.children, source.parent))
    html = markdown.renderer.render(tokens, markdown.options, {})
    for tag, scrolling in SCROLLING.items():
        html = html.replace(tag, scrolling)
    return Rendered(
        title=next(heading.text for heading in headings if heading.level == 1),
        html=html,
        contents=[heading for heading in headings if f"h{heading.level}" in LISTED],
    )


def _page_of(guide: Guide) -> str:
    """The Markdown of the catalogue: each text, and how well its movement is counted."""
    cards = read_cards()
    parts = [f"# {guide.name}\n\n{guide.summary}\n", *_accuracy(cards)]
    for slug in catalogue_slugs():
        parts.append(f"## {slug}\n")
        if slug in cards and (sentence := cards[slug].cannot_see):
            parts.append(f"What it can't see: {sentence}\n")
        parts.append(f"```yaml\n{catalogue_text(slug)}```\n")
    return "\n".join(parts)


def _accuracy(cards: Mapping[str, AccuracyCard]) -> Iterator[str]:
    """The Markdown of the figures of the accuracy cards, a row a movement."""
    rows = {slug: facts_of(card) for slug, card in cards.items()}
    if not rows:
        return
    names = next(iter(rows.values()))
    yield "How well each is counted was [measured over recordings](../docs/api.md#accuracy):\n"
    yield f"| Movement | {' | '.join(names)} |"
    yield f"|---|{'---|' * len(names)}"
    for slug, facts in rows.items():
        yield f"| [{slug}](#{slug}) | {' | '.join(facts.values())} |"
    yield ""


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable("table")
    for rule in (_html_block, _html_inline):
        markdown.add_render_rule(rule.__name__.removeprefix("_"), rule)
    return markdown


def _anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
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


def _with_addresses(children: Sequence[Token], folder: Path) -> Iterator[Token]:
    """The tokens with addresses below /docs/. A link to a file that is not served becomes text."""
    kept = [True]
    for token in children:
        if token.type == "image":
            _picture(token, folder)
        if token.type == "link_open":
            address = _address(str(token.attrGet("href")), folder)
            kept.append(address is not None)
            token.attrSet("href", address or "")
        if kept[-1] or not token.type.startswith("link_"):
            yield token
        if token.type == "link_close":
            kept.pop()


def _address(written: str, folder: Path) -> str | None:
    parts = urlsplit(written)
    if parts.scheme or not parts.path or written.startswith("/"):
        return written
    address = address_of((folder / unquote(parts.path)).resolve())
    return f"{address}#{parts.fragment}" if address and parts.fragment else address


def _picture(token: Token, folder: Path) -> None:
    path = (folder / unquote(str(token.attrGet("src")))).resolve()
    token.attrSet("src", address_of(path) or "")
    token.attrSet("loading", "lazy")
    if path.suffix == ".png" and path.is_file():
        # Its size keeps room for it: so what a link leads to stays in place.
        head = path.read_bytes()[:24]
        for name, at in (("width", 16), ("height", 20)):
            token.attrSet(name, str(int.from_bytes(head[at : at + 4])))


def _html_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """HTML as text, without comments."""
    text = tokens[index].content
    return "" if COMMENT.fullmatch(text) else f"<p>{escapeHtml(text)}</p>\n"


def _html_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    text = tokens[index].content
    return "" if COMMENT.fullmatch(text) else escapeHtml(text)
