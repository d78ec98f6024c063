"""The Markdown text of a guide: as it is parsed, and as it is published beside its page."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from guides.catalogue_page import catalogue_page
from guides.movement_page import catalogue_movement, movement_page
from guides.navigation import GUIDES, MOVEMENTS, SHELVES, Guide, address_of

_FENCE = re.compile(r"^ *```")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"^<!--.*?-->\n*", re.DOTALL | re.MULTILINE)
SUMMARY = """
Detects, counts and coaches human movement. A client streams pose landmarks over a websocket; the
platform answers with events: phase entered, repetition completed, feedback. Video never leaves the
client. Movements are described in YAML.
""".strip().replace("\n", " ")


def text_of(guide: Guide) -> str:
    """The Markdown of a guide; that of a movement is made of its MoveSpec."""
    if guide in MOVEMENTS:
        return movement_page(guide.source.stem)
    if guide.source.is_dir():
        return catalogue_page(guide.name, guide.summary)
    return guide.source.read_text(encoding="utf-8")


def summary_of(guide: Guide) -> str:
    """A line on a guide; that of a movement is its description."""
    return catalogue_movement(guide.source.stem).summary if guide in MOVEMENTS else guide.summary


def folder_of(guide: Guide) -> Path:
    """Where the links of its text begin."""
    return guide.source.parent


def address(written: str, folder: Path) -> str | None:
    """The address that a link written in a file of `folder` leads to; None if it is not served."""
    parts = urlsplit(written)
    if parts.scheme or not parts.path or written.startswith("/"):
        return written
    found = address_of((folder / unquote(parts.path)).resolve())
    return f"{found}#{parts.fragment}" if found and parts.fragment else found


@cache
def published(guide: Guide) -> str:
    """The Markdown with the addresses of a platform, guides by their Markdown.

    A link to a file that is not served becomes text.
    """
    folder = folder_of(guide)

    def with_address(link: re.Match[str]) -> str:
        mark, text, written = link.groups()
        target = address(written, folder)
        if target is None:
            return text
        path, hash_mark, fragment = target.partition("#")
        if path.removeprefix("/docs/") in GUIDES:
            path = f"{path}.md"
        return f"{mark}[{text}]({path}{hash_mark}{fragment})"

    parts = []
    for is_code, part in _split(_COMMENT.sub("", text_of(guide))):
        parts.append(part if is_code else _LINK.sub(with_address, part))
    return "".join(parts)


def index(site: str) -> str:
    """`/llms.txt`: what there is to read, for programs, as https://llmstxt.org has it."""
    lines = ["# kynaplatform", "", f"> {SUMMARY}", ""]
    for shelf in SHELVES:
        lines += [f"## {shelf.name}", ""]
        lines += [
            f"- [{guide.name}]({site}{guide.address}.md): {guide.summary}" for guide in shelf.guides
        ]
        lines.append("")
    lines += ["## Movements", ""]
    lines += [f"- [{one.name}]({site}{one.address}.md): {summary_of(one)}" for one in MOVEMENTS]
    lines += [
        "",
        "## Reference",
        "",
        f"- [OpenAPI document]({site}/docs/openapi.yaml): Every endpoint, in OpenAPI 3.1.",
        f"- [MoveSpec schema]({site}/api/schema/movespec): The language as a JSON Schema.",
        f"- [All guides in one file]({site}/llms-full.txt)",
        "",
    ]
    return "\n".join(lines)


@cache
def whole() -> str:
    """`/llms-full.txt`: every guide of the shelves and every movement, one after the other."""
    guides = [guide for shelf in SHELVES for guide in shelf.guides]
    texts = [
        f"<!-- {guide.address} -->\n\n{published(guide).strip()}\n"
        for guide in (*guides, *MOVEMENTS)
    ]
    return f"# kynaplatform\n\n> {SUMMARY}\n\n" + "\n".join(texts)


def _split(text: str) -> Iterator[tuple[bool, str]]:
    """Its parts, each with whether it is a block of code."""
    part: list[str] = []
    in_code = False
    for line in text.splitlines(keepends=True):
        is_fence = _FENCE.match(line) is not None
        if is_fence and not in_code:
            yield False, "".join(part)
            part = []
        part.append(line)
        if is_fence:
            if in_code:
                yield True, "".join(part)
                part = []
            in_code = not in_code
    yield in_code, "".join(part)
