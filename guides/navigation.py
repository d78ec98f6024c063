"""The guides on their shelves, and the files of docs/ that are served beside them.

To publish another guide, add it to the table of its shelf.
"""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from movespecs.catalogue import FOLDER as EXAMPLES
from movespecs.catalogue import catalogue_slugs

ROOT: Path = settings.BASE_DIR
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
TYPES = {".svg": "image/svg+xml", ".yaml": "text/plain; charset=utf-8"}


class Guide(NamedTuple):
    """A page below /docs/. `source` is a Markdown file, a movement's YAML, or the folder of all."""

    slug: str
    name: str
    summary: str
    source: Path

    @property
    def address(self) -> str:
        return f"/docs/{self.slug}"


class Shelf(NamedTuple):
    """The guides for one kind of reader, in the order in which they are read."""

    slug: str
    name: str
    summary: str
    guides: tuple[Guide, ...]


# The guides of each shelf, by their slugs, with a line on each.
BUILD = {
    "start": "A first count in the browser, then from your back end.",
    "api": "Keys, movements and sessions over HTTP, and every error.",
    "api-details": "The edge cases, by subject.",
    "streaming": "Frames in, events out: the protocol, and clients.",
    "webhooks": "Messages to your server when a session starts or ends.",
    "session-page": "In a browser, an iframe or a WebView.",
    "integrators": "From a key to a page that counts.",
    "package": "Stream, camera and API from TypeScript, and a hook for React.",
    "troubleshooting": "It counts nothing, it counts twice, it closes with 4401.",
    "recordings": "Write, replay and stream a file of landmarks.",
    "engine": "How frames become events: every rule, with its formula.",
    "accuracy": "Over recordings of people, in tables.",
    "privacy": "Where, how long, and how to erase it.",
    "versions": "What you may rely on, and what may change.",
    "changes": "What changed, for each reader.",
}
COURSE = {
    "movespec": "What a MoveSpec is, and the course in its order.",
    "movespec/first-movement": "Two postures, and their order.",
    "movespec/joints-and-leans": "The angles that a criterion bounds.",
    "movespec/sides": "Left, right, both, or the one in front.",
    "movespec/where-to-film": "What a camera sees of each angle, and from where.",
    "movespec/own-range": "By the person's own range of motion.",
    "movespec/strict": "Strict phases, and how far a bound may be missed.",
    "movespec/conditions": "What must hold throughout, written or inferred.",
    "movespec/sequence": "Open or closed, and what interrupts a repetition.",
    "movespec/steps": "Pauses, limits, and steps that may be left out.",
    "movespec/setup": "Nothing counts before the person stands right.",
    "movespec/holds": "A posture that lasts, such as a plank.",
    "movespec/each-side": "Left and right, in any order.",
    "movespec/checks": "How well it was done, and why it did not count.",
    "movespec/cues": "What to say to the person, when, and how often.",
    "movespec/parameters": "One released version, many people.",
    "movespec/try-it": "Validate, perform and replay, without a platform.",
    "movespec/cookbook": "A press, a swing, a hold, each side, both arms, seated.",
    "movespec/cookbook-clinic": "Ten exercises, done well and badly.",
    "movespec/otherwise": "Half of it, a pause, twice as fast: what is counted.",
    "movespec/reference": "Every key: what it is, its values, its default.",
    "movespec/issues": "The format of a document, and every error and warning.",
    "movespec/editor": "Keys, words and mistakes, as you type.",
    "movements": "Movements that ship, each drawn, with how it is counted and how well.",
}
RUN = {
    "operations": "Install it, run it, and what to do when.",
    "settings": "Every variable, its default, and what it does.",
    "staff-guide": "The admin, day by day.",
    "upgrades": "To the next release without an outage, and back.",
    "backup": "What to keep, and how to bring it back.",
    "capacity": "What each process takes, for sizing.",
    "beyond-one-database": "100,000 streams at once: what breaks first, and cells by project.",
    "faults": "What production did while its parts were killed.",
    "security": "What is protected, from whom, and what holds it.",
}
CHANGE = {
    "readme": "Two commands, a first session, and where things are.",
    "architecture": "The processes and the packages, on one page.",
    "decisions": "Why it is so, by subject.",
    "contributing": "Set up, the gate, and the files of a change.",
    "benchmarks": "Every figure, with its command and its day.",
}
# Those whose text is not docs/SLUG.md.
SOURCES = {
    "package": ROOT / "clients" / "web" / "README.md",
    "changes": ROOT / "CHANGELOG.md",
    "movements": EXAMPLES,
    "readme": ROOT / "README.md",
    "decisions": DECISIONS / "README.md",
}
# Those that are not called as their text is.
NAMES = {
    "integrators": "A camera in your page",
    "package": "The package for browsers",
    "engine": "The engine",
    "movespec": "The language",
    "movements": "The catalogue",
    "operations": "Operation",
    "upgrades": "Upgrades",
    "readme": "The project",
}
_TITLE = re.compile("^# (.+)", re.MULTILINE)


def _guide(slug: str, summary: str = "") -> Guide:
    source = SOURCES.get(slug, DOCS / f"{slug}.md")
    title = None if slug in NAMES else _TITLE.search(source.read_text(encoding="utf-8"))
    return Guide(slug, title[1] if title else NAMES[slug], summary, source)


SHELVES = tuple(
    Shelf(slug, slug.capitalize(), summary, tuple(_guide(*row) for row in table.items()))
    for slug, summary, table in (
        ("build", "Count in your own app.", BUILD),
        ("movements", "Describe a movement in YAML.", COURSE),
        ("run", "Operate a platform, and look after its customers.", RUN),
        ("change", "Work on the platform itself.", CHANGE),
    )
)
# Every guide of a shelf, in the order of the shelves.
SHELF_OF = {guide: shelf for shelf in SHELVES for guide in shelf.guides}
# The movements of the catalogue, which are linked from the page of all of them.
MOVEMENTS = tuple(
    Guide(f"movements/{slug}", slug.replace("-", " ").capitalize(), "", EXAMPLES / f"{slug}.yaml")
    for slug in catalogue_slugs()
)
# They are linked from the page of all decisions alone.
_DECISIONS = tuple(_guide(f"decisions/{path.stem}") for path in sorted(DECISIONS.glob("[a-z]*.md")))
GUIDES = {guide.slug: guide for guide in (*SHELF_OF, *_DECISIONS, *MOVEMENTS)}
# The addresses of before, which lead to those of today.
MOVED = {"examples": "movements"}


@cache
def files() -> dict[str, Path]:
    """The pictures and documents of docs/, by their path below it. No other file is served."""
    found = (path for path in DOCS.rglob("*") if path.suffix in TYPES and path.is_file())
    return {path.relative_to(DOCS).as_posix(): path for path in found}


@cache
def addresses() -> dict[Path, str]:
    """The address of each file and folder of the project that is served."""
    of_files = {path: f"/docs/{name}" for name, path in files().items()}
    of_guides = {guide.source: guide.address for guide in GUIDES.values()}
    return {DOCS: "/docs/", **of_files, **of_guides}


def listed_as(guide: Guide) -> Guide:
    """The guide of a shelf that leads to it: itself, or the page of all decisions or movements."""
    return guide if guide in SHELF_OF else GUIDES[guide.slug.partition("/")[0]]


def shelf_of(guide: Guide) -> Shelf:
    """The shelf that a guide stands on, or the page that leads to it."""
    return SHELF_OF[listed_as(guide)]
