"""The search over the guides: each section of each guide, held in memory."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from markdown_it.token import Token

from guides.navigation import GUIDES, MOVEMENTS, Guide, shelf_of
from guides.rendering import Heading, anchored, parsed

MAX_QUERY = 100
MAX_WORDS = 8
MAX_RESULTS = 12
MAX_GUIDE_PARTS = 4
SNIPPET = 170
# Of two pages that say the same, the one for an app's developer comes first.
WEIGHTS = {"build": 1.0, "movements": 1.0, "run": 0.9, "change": 0.6}
# A decision, or a movement of the catalogue.
OFF_SHELF_WEIGHT = 0.5
IN_HEADING, IN_ROW, IN_TITLE, IN_TEXT, MAX_IN_TEXT = 12.0, 8.0, 5.0, 1.0, 4
# Words that a question has and an answer need not have.
SMALL_WORDS = """
a am an and are at be by can do does for from get go goes have how i if in is it its me my of on or
should that the there this to use was we what when where which who why will with you your
"""


class Section(NamedTuple):
    """The text below one heading, up to the next. What is compared with words is plain."""

    guide: Guide
    title: str
    heading: Heading
    text: str
    plain_title: str
    plain_heading: str
    plain_text: str
    # What the rows of its tables are about, each after a line feed.
    plain_rows: str
    weight: float

    @property
    def address(self) -> str:
        anchor = "" if self.heading.level == 1 else f"#{self.heading.anchor}"
        return f"{self.guide.address}{anchor}"


class Result(NamedTuple):
    section: Section
    # Pieces of text, each with whether it was asked for.
    snippet: list[tuple[str, bool]]


def search(query: str) -> list[Result]:
    """The best sections first. All words are looked for; any of them where none has all."""
    words = words_of(query)
    if not words:
        return []
    found = [(*_score(section, words), section) for section in sections()]
    most = len(words) if any(number == len(words) for number, *_ in found) else 1
    chosen = [(score, section) for number, score, section in found if number >= most]
    chosen.sort(key=lambda one: one[0], reverse=True)
    results: list[Result] = []
    of_guide: Counter[Guide] = Counter()
    for _, section in chosen:
        of_guide[section.guide] += 1
        if of_guide[section.guide] <= MAX_GUIDE_PARTS:
            results.append(Result(section, _snippet(section.text, words)))
        if len(results) == MAX_RESULTS:
            break
    return results


def plain(text: str) -> str:
    """The words in lower case, each after a space: `event_completed` is two."""
    return " " + re.sub(r"[\W_]+", " ", text.lower()).strip()


def words_of(query: str) -> list[str]:
    """The words to look for, each once and without its plural."""
    words = plain(query[:MAX_QUERY]).split()
    small = SMALL_WORDS.split()
    telling = [word for word in words if word not in small] or words
    singular = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in telling]
    return list(dict.fromkeys(singular))[:MAX_WORDS]


def _score(section: Section, words: list[str]) -> tuple[int, float]:
    """How many of the words the section has, at the start of its own, and how well it fits."""
    number, score = 0, 0.0
    for word in words:
        points = min(section.plain_text.count(f" {word}"), MAX_IN_TEXT) * IN_TEXT
        points += IN_HEADING * (f" {word}" in section.plain_heading)
        points += IN_ROW * (f"\n {word}" in section.plain_rows)
        points += IN_TITLE * (f" {word}" in section.plain_title)
        number += points > 0
        score += points
    return number, score * section.weight


def _snippet(text: str, words: list[str]) -> list[tuple[str, bool]]:
    """The part of the text around the first word that was asked for, with the words marked."""
    any_word = re.compile(rf"(?<![^\W_])({'|'.join(map(re.escape, words))})", re.IGNORECASE)
    first = any_word.search(text)
    start = max((first.start() if first else 0) - SNIPPET // 3, 0)
    start = text.rfind(" ", 0, start) + 1
    cut = text[start : start + SNIPPET]
    if start + SNIPPET < len(text):
        cut = cut.rsplit(" ", 1)[0] + " …"
    if start:
        cut = f"… {cut}"
    pieces, at = [], 0
    for match in any_word.finditer(cut):
        pieces += [(cut[at : match.start()], False), (match.group(), True)]
        at = match.end()
    pieces.append((cut[at:], False))
    return [piece for piece in pieces if piece[0]]


@cache
def sections() -> list[Section]:
    return [section for guide in GUIDES.values() for section in _sections(guide)]


def _sections(guide: Guide) -> Iterator[Section]:
    tokens = parsed(guide)
    headings = list(anchored(tokens))
    starts = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
    is_listed_elsewhere = guide in MOVEMENTS or guide.slug.startswith("decisions/")
    if guide in MOVEMENTS:
        # What a movement is called tells it from others; each has the same headings.
        del starts[1:]
    for heading, start, end in zip(headings, starts, [*starts[1:], len(tokens)], strict=False):
        texts, rows = list[str](), list[str]()
        for index in range(start, end):
            text, before = _text(tokens[index]), tokens[index - 1].type
            if text and before != "heading_open":
                texts.append(text)
                if before == "td_open" and tokens[index - 2].type == "tr_open":
                    rows.append(text)
        yield Section(
            guide=guide,
            title=headings[0].text,
            heading=heading,
            text=" ".join(texts),
            plain_title=plain(headings[0].text),
            plain_heading=plain(heading.text),
            plain_text=plain(" ".join(texts)),
            plain_rows="".join(f"\n{plain(row)}" for row in rows),
            weight=OFF_SHELF_WEIGHT if is_listed_elsewhere else WEIGHTS[shelf_of(guide).slug],
        )


def _text(token: Token) -> str:
    if token.type in ("fence", "code_block"):
        return " ".join(token.content.split())
    breaks = ("softbreak", "hardbreak")
    return "".join(" " if one.type in breaks else one.content for one in token.children or ())
