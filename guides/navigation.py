"""The guides on their shelves, and the files of docs/ that are served beside them.

To publish another guide, add it to the table of its shelf.
"""

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


# Each table has the slugs, names and summaries of a shelf's guides.
BUILD = (
    ("start", "Start here", "A first count in the browser, then from your back end."),
    ("api", "The API", "Keys, movements and sessions over HTTP, and every error."),
    ("api-details", "The API in detail", "The edge cases, by subject."),
    ("streaming", "The stream", "Frames in, events out: the protocol, and clients."),
    ("webhooks", "Webhooks", "Messages to your server when a session starts or ends."),
    ("integrators", "A camera in your page", "From a key to a page that counts."),
    (
        "package",
        "The package for browsers",
        "Stream, camera and API from TypeScript, and a hook for React.",
    ),
    (
        "troubleshooting",
        "Troubleshooting",
        "It counts nothing, it counts twice, it closes with 4401.",
    ),
    ("recordings", "Recordings", "Write, replay and stream a file of landmarks."),
    ("engine", "The engine", "How frames become events: every rule, with its formula."),
    ("accuracy", "How well it counts", "Over recordings of people, in tables."),
    ("privacy", "What is stored of a person", "Where, how long, and how to erase it."),
    ("versions", "Versions", "What you may rely on, and what may change."),
    ("changes", "Changes", "What changed, for each reader."),
)
# The pages of docs/movespec/.
COURSE = tuple(
    (f"movespec/{slug}", name, summary)
    for slug, name, summary in (
        ("first-movement", "A first movement", "Two postures, and their order."),
        ("joints-and-leans", "Joints, leans and bounds", "The angles that a criterion bounds."),
        ("sides", "Sides", "Left, right, both, or the one in front."),
        ("where-to-film", "Where to film", "What a camera sees of each angle, and from where."),
        ("own-range", "How a phase is judged", "By the person's own range of motion."),
        ("strict", "Strict bounds", "Strict phases, and how far a bound may be missed."),
        ("conditions", "Conditions", "What must hold throughout, written or inferred."),
        ("sequence", "The sequence", "Open or closed, and what interrupts a repetition."),
        ("steps", "Steps in time", "Pauses, limits, and steps that may be left out."),
        ("setup", "Setup and readiness", "Nothing counts before the person stands right."),
        ("holds", "Holds", "A posture that lasts, such as a plank."),
        ("each-side", "Counting each side", "Left and right, in any order."),
        ("checks", "Checks, form and attempts", "How well it was done, and why it did not count."),
        ("cues", "Cues", "What to say to the person, when, and how often."),
        ("parameters", "Parameters", "One released version, many people."),
        ("try-it", "Try it", "Validate, perform and replay, without a platform."),
        ("cookbook", "Cookbook", "A press, a swing, a hold, each side, both arms, seated."),
        ("cookbook-clinic", "Cookbook of a clinic", "Ten exercises, done well and badly."),
        ("otherwise", "Variations", "Half of it, a pause, twice as fast: what is counted."),
        ("reference", "Reference", "Every key: what it is, its values, its default."),
        ("issues", "YAML and issues", "The format of a document, and every error and warning."),
        ("editor", "An editor that completes", "Keys, words and mistakes, as you type."),
    )
)
MOVESPEC = (
    ("movespec", "The language", "What a MoveSpec is, and the course in its order."),
    *COURSE,
    (
        "movements",
        "The catalogue",
        "Movements that ship, each drawn, with how it is counted and how well.",
    ),
)
RUN = (
    ("operations", "Operation", "Install it, run it, and what to do when."),
    ("settings", "Settings", "Every variable, its default, and what it does."),
    ("staff-guide", "Staff guide", "The admin, day by day."),
    ("upgrades", "Upgrades", "To the next release without an outage, and back."),
    ("backup", "Backup and restore", "What to keep, and how to bring it back."),
    ("capacity", "Connections, memory and disk", "What each process takes, for sizing."),
    (
        "beyond-one-database",
        "Beyond one database",
        "100,000 streams at once: what breaks first, and cells by project.",
    ),
    ("faults", "Faults", "What production did while its parts were killed."),
    ("security", "Security", "What is protected, from whom, and what holds it."),
)
CHANGE = (
    ("readme", "The project", "Two commands, a first session, and where things are."),
    ("architecture", "Architecture", "The processes and the packages, on one page."),
    ("decisions", "Decisions", "Why it is so, by subject."),
    ("contributing", "Contributing", "Set up, the gate, and the files of a change."),
    ("benchmarks", "Benchmarks", "Every figure, with its command and its day."),
)
# Those whose text is not docs/SLUG.md.
SOURCES = {
    "package": ROOT / "clients" / "web" / "README.md",
    "changes": ROOT / "CHANGELOG.md",
    "movements": EXAMPLES,
    "readme": ROOT / "README.md",
    "decisions": DECISIONS / "README.md",
}


def _guide(slug: str, name: str, summary: str) -> Guide:
    return Guide(slug, name, summary, SOURCES.get(slug, DOCS / f"{slug}.md"))


SHELVES = tuple(
    Shelf(slug, slug.capitalize(), summary, tuple(_guide(*row) for row in table))
    for slug, summary, table in (
        ("build", "Count in your own app.", BUILD),
        ("movements", "Describe a movement in YAML.", MOVESPEC),
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
_DECISIONS = tuple(
    _guide(f"decisions/{path.stem}", path.stem.replace("-", " "), "")
    for path in sorted(DECISIONS.glob("[a-z]*.md"))
)
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
