"""The Markdown text of a guide: as it is parsed, and as it is published beside its page."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from guides.navigation import GUIDES, SHELVES, Guide, address_of
from movespecs.accuracy import AccuracyCard, facts_of, read_cards
from movespecs.catalogue import catalogue_slugs, catalogue_text

_FENCE = re.compile(r"^ *```")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"^<!--.*?-->\n*", re.DOTALL | re.MULTILINE)
SUMMARY = """
Detects, counts and coaches human movement. A client streams pose landmarks over a websocket; the
platform answers with events: phase entered, repetition completed, feedback. Video never leaves the
client. Movements are described in YAML.
""".strip().replace("\n", " ")


def text_of(guide: Guide) -> str:
    """The Markdown of a guide; of a folder, that of its catalogue."""
    source = guide.source
    return source.read_text(encoding="utf-8") if source.is_file() else _catalogue(guide)


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
    lines += [
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
    """`/llms-full.txt`: every guide of the shelves, one after the other."""
    texts = [
        f"<!-- {guide.address} -->\n\n{published(guide).strip()}\n"
        for shelf in SHELVES
        for guide in shelf.guides
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


def _catalogue(guide: Guide) -> str:
    """Each text of the catalogue, and how well its movement is counted."""
    cards = read_cards()
    parts = [f"# {guide.name}\n\n{guide.summary}\n", *_accuracy(cards)]
    for slug in catalogue_slugs():
        parts.append(f"## {slug}\n")
        if slug in cards and (sentence := cards[slug].cannot_see):
            parts.append(f"What it can't see: {sentence}\n")
        parts.append(f"```yaml\n{catalogue_text(slug)}```\n")
    return "\n".join(parts)


def _accuracy(cards: Mapping[str, AccuracyCard]) -> Iterator[str]:
    """The figures of the accuracy cards, a row a movement."""
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
