"""A guide's Markdown as HTML: anchors for its headings, addresses for its links and pictures.

The text is the project's own. All the same no HTML of it is passed on, so that what looks like a
tag in a text is shown. Only what folds is known: `<details>` with a summary, and its end.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from guides.code_blocks import code_block
from guides.headings import Heading, anchored
from guides.navigation import Guide, address_of
from guides.text import address, folder_of, text_of

COMMENT = re.compile(r"\s*<!--.*-->\s*", re.DOTALL)
# What is wide scrolls in a box of its own, by keyboard too. The text itself has no such tag.
SCROLLING = {
    "<table>": '<div class="scrolls" tabindex="0" role="group" aria-label="Table">\n<table>',
    "</table>": "</table>\n</div>",
}
FOLD = re.compile(r"<details>\s*<summary>([^<]*)</summary>\s*")
FOLD_END = "</details>"
LISTED = (2, 3)
VIEW_BOX = re.compile(rb'<svg[^>]* viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Rendered:
    title: str
    html: str
    contents: list[Heading]


@cache
def rendered(guide: Guide) -> Rendered:
    """The page of a guide, rendered once in each process."""
    markdown = _markdown()
    tokens = parsed(guide)
    headings = list(anchored(tokens))
    for token in tokens:
        # The content security policy allows no inline style.
        if (style := token.attrs.pop("style", None)) is not None:
            token.attrSet("class", str(style).replace(":", "-"))
        if token.children is not None:
            token.children = list(_with_addresses(token.children, folder_of(guide)))
    html = markdown.renderer.render(tokens, markdown.options, {})
    for tag, scrolling in SCROLLING.items():
        html = html.replace(tag, scrolling)
    return Rendered(
        title=next(heading.text for heading in headings if heading.level == 1),
        html=html,
        contents=[heading for heading in headings if heading.level in LISTED],
    )


def parsed(guide: Guide) -> list[Token]:
    return _markdown().parse(text_of(guide))


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable("table")
    rules = (_html_block, _html_inline, _fence, _code_block, _heading_open, _heading_close)
    for rule in rules:
        markdown.add_render_rule(rule.__name__.removeprefix("_"), rule)
    return markdown


def _with_addresses(children: Sequence[Token], folder: Path) -> Iterator[Token]:
    """The tokens with addresses below /docs/. A link to a file that is not served becomes text."""
    kept = [True]
    for token in children:
        if token.type == "image":
            _picture(token, folder)
        if token.type == "link_open":
            target = address(str(token.attrGet("href")), folder)
            kept.append(target is not None)
            token.attrSet("href", target or "")
        if kept[-1] or not token.type.startswith("link_"):
            yield token
        if token.type == "link_close":
            kept.pop()


def _picture(token: Token, folder: Path) -> None:
    path = (folder / unquote(str(token.attrGet("src")))).resolve()
    token.attrSet("src", address_of(path) or "")
    token.attrSet("loading", "lazy")
    # Its size keeps room for it: so what a link leads to stays in place.
    for name, pixels in zip(("width", "height"), _size(path), strict=False):
        token.attrSet(name, str(pixels))


def _size(path: Path) -> tuple[int, ...]:
    """The width and height of a picture, in pixels; nothing where it does not say."""
    if not path.is_file():
        return ()
    head = path.read_bytes()[:2000]
    if path.suffix == ".png":
        return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
    box = VIEW_BOX.search(head)
    return tuple(round(float(part)) for part in box.groups()) if box else ()


def _html_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """HTML as text, without comments."""
    text = tokens[index].content
    if (fold := FOLD.fullmatch(text)) is not None:
        return f'<details class="more">\n<summary>{escapeHtml(fold[1])}</summary>\n'
    if text.strip() == FOLD_END:
        return f"{FOLD_END}\n"
    return "" if COMMENT.fullmatch(text) else f"<p>{escapeHtml(text)}</p>\n"


def _html_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    text = tokens[index].content
    return "" if COMMENT.fullmatch(text) else escapeHtml(text)


def _fence(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return code_block(tokens[index].content, tokens[index].info.partition(" ")[0])


def _code_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return code_block(tokens[index].content, "")


def _heading_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    """A heading below the title stands beside a link to itself."""
    opening = renderer.renderToken(tokens, index, *rest[:2])
    return opening if tokens[index].tag == "h1" else f'<div class="heading">{opening}'


def _heading_close(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    tag = tokens[index].tag
    if tag == "h1":
        return "</h1>\n"
    anchor = tokens[index - 2].attrGet("id")
    text = escapeHtml("".join(part.content for part in tokens[index - 1].children or ()))
    return f'</{tag}><a class="anchor" href="#{anchor}" aria-label="Link to: {text}">#</a></div>\n'
