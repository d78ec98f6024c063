"""A guide's Markdown as a page: headings that links find, links and pictures that lead somewhere.

The text is the project's own. All the same no HTML of it is passed on, so that what looks like a
tag in a text is shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
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
from markdown_it.utils import OptionsDict

from guides.shelf import Guide, address_of

COMMENT = re.compile(r"\s*<!--.*-->\s*", re.DOTALL)
# Wide ones scroll in a box of their own, by keyboard too.
TABLE = '<div class="scrolls" tabindex="0" role="group" aria-label="Table">\n<table>\n'
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
    """Made once for each process."""
    markdown = _markdown()
    source = guide.source
    text = source.read_text(encoding="utf-8") if source.is_file() else _page_of(guide)
    tokens = markdown.parse(text)
    headings = list(_anchored(tokens))
    for token in tokens:
        # The content security policy takes no style in a page.
        if (style := token.attrs.pop("style", None)) is not None:
            token.attrSet("class", str(style).replace(":", "-"))
        if token.children is not None:
            token.children = list(_leading(token.children, source.parent))
    return Rendered(
        title=next(heading.text for heading in headings if heading.level == 1),
        html=markdown.renderer.render(tokens, markdown.options, {}),
        contents=[heading for heading in headings if f"h{heading.level}" in LISTED],
    )


def _page_of(guide: Guide) -> str:
    """The files of a folder, each below its name."""
    files = sorted(guide.source.iterdir())
    parts = [
        f"## {file.stem}\n\n```yaml\n{file.read_text(encoding='utf-8')}```\n" for file in files
    ]
    return f"# {guide.name}\n\n{guide.summary}\n\n" + "\n".join(parts)


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable("table")
    for rule in (_fence, _code_block, _table_open, _table_close, _html_block, _html_inline):
        markdown.add_render_rule(rule.__name__.removeprefix("_"), rule)
    return markdown


def _anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Every heading, which is given the id that GitHub gives it."""
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


def _leading(children: Sequence[Token], folder: Path) -> Iterator[Token]:
    """With links and pictures as they are below /docs/; a link that has no place there is text."""
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
        # Room is kept for it, so that what a link leads to stays where it is.
        head = path.read_bytes()[:24]
        for name, at in (("width", 16), ("height", 20)):
            token.attrSet(name, str(int.from_bytes(head[at : at + 4])))


def _fence(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    return _reached(renderer.fence(tokens, index, options, env))


def _code_block(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: Any
) -> str:
    return _reached(renderer.code_block(tokens, index, options, env))


def _reached(code: str) -> str:
    """By keyboard, since long lines scroll."""
    return code.replace("<pre", '<pre tabindex="0"', 1)


def _table_open(*_: Any) -> str:
    return TABLE


def _table_close(*_: Any) -> str:
    return "</table>\n</div>\n"


def _html_block(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """HTML as text, and a comment not at all."""
    text = tokens[index].content
    return "" if COMMENT.fullmatch(text) else f"<p>{escapeHtml(text)}</p>\n"


def _html_inline(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    text = tokens[index].content
    return "" if COMMENT.fullmatch(text) else escapeHtml(text)
