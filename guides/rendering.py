"""A guide's Markdown as HTML: anchors for its headings, addresses for its links and pictures.

The text is the project's own. All the same no HTML of it is passed on, so that what looks like a
tag in a text is shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from guides.movement_page import catalogue_page, catalogue_spec, movement_page
from guides.navigation import GUIDES, MOVEMENTS, SHELF_OF, SHELVES, Guide, addresses, files
from kynaplatform.public_pages import highlighted

# What is wide scrolls in a box of its own, by keyboard too. The text itself has no such tag.
SCROLLING = {
    "<table>": '<div class="scrolls" tabindex="0" role="group" aria-label="Table">\n<table>',
    "</table>": "</table>\n</div>",
}
LISTED = (2, 3)
VIEW_BOX = re.compile(rb'<svg[^>]* viewBox="0 0 ([\d.]+) ([\d.]+)"')


class Heading(NamedTuple):
    level: int
    anchor: str
    text: str


class Rendered(NamedTuple):
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
        for part in token.children or ():
            if part.type == "image":
                _set_size(part)
    html = markdown.renderer.render(tokens, markdown.options, {})
    for tag, scrolling in SCROLLING.items():
        html = html.replace(tag, scrolling)
    return Rendered(
        title=next(heading.text for heading in headings if heading.level == 1),
        html=html,
        contents=[heading for heading in headings if heading.level in LISTED],
    )


def parsed(guide: Guide) -> list[Token]:
    return _markdown().parse(_with_addresses(guide))


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    for rule in (_fence, _heading_open, _heading_close):
        markdown.add_render_rule(rule.__name__.removeprefix("_"), rule)
    markdown.add_render_rule("code_block", _fence)
    return markdown


def _set_size(picture: Token) -> None:
    """Set the width and height that an SVG says: what a link leads to stays in place then."""
    picture.attrSet("loading", "lazy")
    path = files().get(str(picture.attrGet("src")).removeprefix("/docs/"))
    if path is not None and (box := VIEW_BOX.search(path.read_bytes()[:2000])):
        for name, pixels in zip(("width", "height"), box.groups(), strict=True):
            picture.attrSet(name, str(round(float(pixels))))


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


# What a reader calls a language, by its name in the text.
NAMES = {
    **{name: name.upper() for name in ("css", "html", "ini", "json", "jsx", "yaml")},
    **dict.fromkeys(("javascript", "js"), "JavaScript"),
    **dict.fromkeys(("typescript", "ts"), "TypeScript"),
    "python": "Python",
    "sh": "Shell",
}


def _fence(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    """A block of code, which scrolls in a box of its own, by keyboard too. A script adds a copy
    button."""
    code, language = tokens[index].content, tokens[index].info.partition(" ")[0]
    name = f'<p class="code-name">{NAMES[language]}</p>\n' if language in NAMES else ""
    coloured = highlighted(code, language) if language in NAMES else escapeHtml(code)
    return f'<div class="code">\n{name}<pre tabindex="0"><code>{coloured}</code></pre>\n</div>\n'


_CODE = re.compile(r"(^ *```.*?(?:^ *```[^\n]*\n?|\Z))", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
SUMMARY = """
Detects, counts and coaches human movement. A client streams pose landmarks over a websocket; the
platform answers with events: phase entered, repetition completed, feedback. Video never leaves the
client. Movements are described in YAML.
""".strip().replace("\n", " ")


def text_of(guide: Guide) -> str:
    """The Markdown of a guide; that of a movement is made of its MoveSpec."""
    if guide in MOVEMENTS:
        return "\n".join(movement_page(guide.source.stem))
    if guide.source.is_dir():
        return "\n".join(catalogue_page(guide.name, guide.summary))
    return guide.source.read_text(encoding="utf-8")


def summary_of(guide: Guide) -> str:
    """A line on a guide; that of a movement is its description."""
    if guide in MOVEMENTS:
        return catalogue_spec(guide.source.stem).description or ""
    return guide.summary


@cache
def published(guide: Guide) -> str:
    """The Markdown with the addresses of a platform, guides by their Markdown."""
    return _with_addresses(guide, ending=".md")


def _with_addresses(guide: Guide, ending: str = "") -> str:
    """The Markdown without comments, with addresses below /docs/, those of guides with `ending`.

    A link to a file that is not served becomes text.
    """

    def with_address(link: re.Match[str]) -> str:
        mark, text, written = link.groups()
        path, hash_mark, fragment = written.partition("#")
        if path and not path.startswith("/") and not urlsplit(path).scheme:
            found = addresses().get((guide.source.parent / unquote(path)).resolve())
            if found is None:
                return text
            path = found
        if path.removeprefix("/docs/") in GUIDES:
            path += ending
        return f"{mark}[{text}]({path}{hash_mark}{fragment})"

    parts = _CODE.split(_COMMENT.sub("", text_of(guide)))
    parts[::2] = [_LINK.sub(with_address, part) for part in parts[::2]]
    return "".join(parts)


def llms_index(site: str) -> str:
    """`/llms.txt`: what there is to read, for programs, as https://llmstxt.org has it."""
    lines = [f"# kynaplatform\n\n> {SUMMARY}\n"]
    shelves = [(shelf.name, shelf.guides) for shelf in SHELVES]
    for name, guides in (*shelves, ("Movements", MOVEMENTS)):
        lines.append(f"## {name}\n")
        lines += [f"- [{one.name}]({site}{one.address}.md): {summary_of(one)}" for one in guides]
        lines.append("")
    return "\n".join(
        [
            *lines,
            "## Reference\n",
            f"- [OpenAPI document]({site}/docs/openapi.yaml): Every endpoint, in OpenAPI 3.1.",
            f"- [MoveSpec schema]({site}/api/schema/movespec): The language as a JSON Schema.",
            f"- [All guides in one file]({site}/llms-full.txt)\n",
        ]
    )


@cache
def llms_whole() -> str:
    """`/llms-full.txt`: every guide of the shelves and every movement, one after the other."""
    texts = [
        f"<!-- {guide.address} -->\n\n{published(guide).strip()}\n"
        for guide in (*SHELF_OF, *MOVEMENTS)
    ]
    return f"# kynaplatform\n\n> {SUMMARY}\n\n" + "\n".join(texts)
