"""Which guides there are, where each is read, and what else of docs/ is served beside them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
EXAMPLES = ROOT / "examples" / "movespecs"
TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".yaml": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Guide:
    """`source` is a Markdown file, or the folder whose files are the page."""

    slug: str
    name: str
    summary: str
    source: Path

    @property
    def address(self) -> str:
        return f"/docs/{self.slug}"


def _of(slug: str, name: str, summary: str) -> Guide:
    return Guide(slug, name, summary, DOCS / f"{slug}.md")


SHELF: dict[str, list[Guide]] = {
    "Build with it": [
        Guide(
            "start",
            "First steps",
            "Two commands, a first session, and how the pieces fit.",
            ROOT / "README.md",
        ),
        _of("api", "The API", "From YAML to a session, errors, idempotency, the lifecycle."),
        _of("streaming", "The stream", "The protocol of the websocket, with two clients."),
        _of("integrators", "A camera in your own page", "From a key to a page that counts."),
        Guide(
            "package",
            "The package for browsers",
            "Stream, camera and API from TypeScript, and a hook for React.",
            ROOT / "clients" / "web" / "README.md",
        ),
        _of("movespec", "The MoveSpec language", "How a movement is described, in YAML."),
        Guide(
            "examples",
            "Example MoveSpecs",
            "The movements of the public catalogue, with comments.",
            EXAMPLES,
        ),
        _of("recordings", "Recordings", "Their format, and how to write, replay and stream one."),
        _of("engine", "The detection engine", "How frames become events, and how well it counts."),
    ],
    "Look after customers": [
        _of("staff-guide", "Staff guide", "The admin, day by day, with pictures."),
    ],
    "Run it": [
        _of("settings", "Settings", "Every variable, its default, and what it does."),
        _of("operations", "Operation", "Processes, commands, logs, metrics, and what to do when."),
        _of("upgrades", "Upgrades", "To the next release without an outage, and back."),
        _of("backup", "Backup and restore", "What to keep, and how to bring it back."),
        _of("capacity", "Connections and memory", "What each process takes, for sizing."),
        _of("faults", "Faults", "What production did while its parts were killed."),
        _of("security", "Security", "What is protected, from whom, and what holds it."),
    ],
    "Change it": [
        _of("architecture", "Architecture", "The processes and the packages, on one page."),
        Guide(
            "decisions", "Decisions", "Why it is so, a short page each.", DECISIONS / "README.md"
        ),
        _of("contributing", "Contributing", "Set up, the gate, and what a change touches."),
        _of("benchmarks", "Benchmarks", "Every figure, with its command and its day."),
    ],
}
# Each decision is a page, to which that of all decisions leads.
GUIDES = {guide.slug: guide for guides in SHELF.values() for guide in guides} | {
    f"decisions/{path.stem}": _of(f"decisions/{path.stem}", path.stem, "")
    for path in sorted(DECISIONS.glob("[a-z]*.md"))
}
_BY_SOURCE = {guide.source: guide for guide in GUIDES.values()}


@cache
def files() -> dict[str, Path]:
    """What pages show or link beside each other, by its path below /docs/: nothing else is read."""
    found = (path for path in DOCS.rglob("*") if path.suffix in TYPES and path.is_file())
    return {path.relative_to(DOCS).as_posix(): path for path in found}


def address_of(path: Path) -> str | None:
    """Where a file or folder of the project is read; None where it is not."""
    if path == DOCS:
        return "/docs/"
    if (guide := _BY_SOURCE.get(path)) is not None:
        return guide.address
    if path.parent == EXAMPLES and path.is_file():
        return f"{_BY_SOURCE[EXAMPLES].address}#{path.stem}"
    if path in files().values():
        return f"/docs/{path.relative_to(DOCS).as_posix()}"
    return None
