"""The guides on their shelves, and the files of docs/ that are served beside them.

To publish another guide, add it to SHELVES.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from movespecs.catalogue import FOLDER as EXAMPLES
from movespecs.catalogue import catalogue_slugs

ROOT: Path = settings.BASE_DIR
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
TYPES = {".svg": "image/svg+xml", ".yaml": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Guide:
    """A page below /docs/. `source` is a Markdown file, a movement's YAML, or the folder of all."""

    slug: str
    name: str
    summary: str
    source: Path

    @property
    def address(self) -> str:
        return f"/docs/{self.slug}"


@dataclass(frozen=True)
class Shelf:
    """The guides for one kind of reader, in the order in which they are read."""

    slug: str
    name: str
    summary: str
    guides: tuple[Guide, ...]

    def neighbours(self, guide: Guide) -> tuple[Guide | None, Guide | None]:
        """The guides before and after this one."""
        if guide not in self.guides:
            return None, None
        at = self.guides.index(guide)
        around = (None, *self.guides, None)
        return around[at], around[at + 2]


def _doc(slug: str, name: str, summary: str, source: Path | None = None) -> Guide:
    """The guide whose text is docs/`slug`.md, or `source`."""
    return Guide(slug, name, summary, source or DOCS / f"{slug}.md")


# The pages of docs/movespec/.
COURSE = (
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

SHELVES = (
    Shelf(
        "build",
        "Build",
        "Count in your own app.",
        (
            _doc("start", "Start here", "A first count in the browser, then from your back end."),
            _doc("api", "The API", "Keys, movements and sessions over HTTP, and every error."),
            _doc("api-details", "The API in detail", "The edge cases, by subject."),
            _doc("streaming", "The stream", "Frames in, events out: the protocol, and clients."),
            _doc("webhooks", "Webhooks", "Messages to your server when a session starts or ends."),
            _doc("integrators", "A camera in your page", "From a key to a page that counts."),
            _doc(
                "package",
                "The package for browsers",
                "Stream, camera and API from TypeScript, and a hook for React.",
                ROOT / "clients" / "web" / "README.md",
            ),
            _doc(
                "troubleshooting",
                "Troubleshooting",
                "It counts nothing, it counts twice, it closes with 4401.",
            ),
            _doc("recordings", "Recordings", "Write, replay and stream a file of landmarks."),
            _doc("engine", "The engine", "How frames become events: every rule, with its formula."),
            _doc("accuracy", "How well it counts", "Over recordings of people, in tables."),
            _doc("privacy", "What is stored of a person", "Where, how long, and how to erase it."),
            _doc("versions", "Versions", "What you may rely on, and what may change."),
            Guide("changes", "Changes", "What changed, for each reader.", ROOT / "CHANGELOG.md"),
        ),
    ),
    Shelf(
        "movements",
        "Movements",
        "Describe a movement in YAML.",
        (
            _doc("movespec", "The language", "What a MoveSpec is, and the course in its order."),
            *(_doc(f"movespec/{slug}", name, summary) for slug, name, summary in COURSE),
            _doc(
                "movements",
                "The catalogue",
                "Movements that ship, each drawn, with how it is counted and how well.",
                EXAMPLES,
            ),
        ),
    ),
    Shelf(
        "run",
        "Run",
        "Operate a platform, and look after its customers.",
        (
            _doc("operations", "Operation", "Install it, run it, and what to do when."),
            _doc("settings", "Settings", "Every variable, its default, and what it does."),
            _doc("staff-guide", "Staff guide", "The admin, day by day."),
            _doc("upgrades", "Upgrades", "To the next release without an outage, and back."),
            _doc("backup", "Backup and restore", "What to keep, and how to bring it back."),
            _doc(
                "capacity", "Connections, memory and disk", "What each process takes, for sizing."
            ),
            _doc(
                "beyond-one-database",
                "Beyond one database",
                "100,000 streams at once: what breaks first, and cells by project.",
            ),
            _doc("faults", "Faults", "What production did while its parts were killed."),
            _doc("security", "Security", "What is protected, from whom, and what holds it."),
        ),
    ),
    Shelf(
        "change",
        "Change",
        "Work on the platform itself.",
        (
            _doc(
                "readme",
                "The project",
                "Two commands, a first session, and where things are.",
                ROOT / "README.md",
            ),
            _doc("architecture", "Architecture", "The processes and the packages, on one page."),
            _doc("decisions", "Decisions", "Why it is so, by subject.", DECISIONS / "README.md"),
            _doc("contributing", "Contributing", "Set up, the gate, and the files of a change."),
            _doc("benchmarks", "Benchmarks", "Every figure, with its command and its day."),
        ),
    ),
)
# The movements of the catalogue, which are linked from the page of all of them.
MOVEMENTS = tuple(
    Guide(f"movements/{slug}", slug.replace("-", " ").capitalize(), "", EXAMPLES / f"{slug}.yaml")
    for slug in catalogue_slugs()
)
# Every guide by its slug. A decision is linked from the page of all decisions alone.
GUIDES = (
    {guide.slug: guide for shelf in SHELVES for guide in shelf.guides}
    | {
        f"decisions/{path.stem}": _doc(f"decisions/{path.stem}", path.stem.replace("-", " "), "")
        for path in sorted(DECISIONS.glob("[a-z]*.md"))
    }
    | {guide.slug: guide for guide in MOVEMENTS}
)
# The addresses of before, which lead to those of today.
MOVED = {"examples": "movements"}
_BY_SOURCE = {guide.source: guide for guide in GUIDES.values()}


@cache
def files() -> dict[str, Path]:
    """The pictures and documents of docs/, by their path below it. No other file is served."""
    found = (path for path in DOCS.rglob("*") if path.suffix in TYPES and path.is_file())
    return {path.relative_to(DOCS).as_posix(): path for path in found}


def address_of(path: Path) -> str | None:
    """The address of a file or folder of the project; None if it is not served."""
    if path == DOCS:
        return "/docs/"
    if (guide := _BY_SOURCE.get(path)) is not None:
        return guide.address
    if path in files().values():
        return f"/docs/{path.relative_to(DOCS).as_posix()}"
    return None


def listed_as(guide: Guide) -> Guide:
    """The guide of a shelf that leads to it: itself, or the page of all decisions or movements."""
    is_on_a_shelf = any(guide in shelf.guides for shelf in SHELVES)
    return guide if is_on_a_shelf else GUIDES[guide.slug.partition("/")[0]]


def shelf_of(guide: Guide) -> Shelf:
    """The shelf that a guide stands on, or the page that leads to it."""
    listed = listed_as(guide)
    return next(shelf for shelf in SHELVES if listed in shelf.guides)
