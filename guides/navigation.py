"""The guides by section, and the files of docs/ that are served beside them.

To publish another guide, add it to SECTIONS.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from movespecs.catalogue import FOLDER as EXAMPLES

ROOT: Path = settings.BASE_DIR
DOCS = ROOT / "docs"
DECISIONS = DOCS / "decisions"
TYPES = {".png": "image/png", ".svg": "image/svg+xml", ".yaml": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class Guide:
    """A page below /docs/. `source` is a Markdown file, or a folder whose files it shows."""

    slug: str
    name: str
    summary: str
    source: Path

    @property
    def address(self) -> str:
        return f"/docs/{self.slug}"


def _doc(slug: str, name: str, summary: str) -> Guide:
    """The guide whose text is docs/`slug`.md."""
    return Guide(slug, name, summary, DOCS / f"{slug}.md")


SECTIONS: dict[str, list[Guide]] = {
    "Build with it": [
        Guide(
            "start",
            "First steps",
            "Two commands, a first session, and how the pieces fit.",
            ROOT / "README.md",
        ),
        _doc("api", "The API", "From YAML to a session, errors, idempotency, the lifecycle."),
        _doc("streaming", "The stream", "The protocol of the websocket, with two clients."),
        _doc("integrators", "A camera in your own page", "From a key to a page that counts."),
        Guide(
            "package",
            "The package for browsers",
            "Stream, camera and API from TypeScript, and a hook for React.",
            ROOT / "clients" / "web" / "README.md",
        ),
        _doc("movespec", "The MoveSpec language", "How a movement is described, in YAML."),
        Guide(
            "examples",
            "Example MoveSpecs",
            "The movements of the public catalogue, with comments.",
            EXAMPLES,
        ),
        _doc(
            "troubleshooting",
            "Troubleshooting",
            "It counts nothing, it counts twice, it says 4401.",
        ),
        _doc("versions", "Versions", "What a client may rely on, and what may change."),
        Guide(
            "changes", "Changes", "What changed, by release and by reader.", ROOT / "CHANGELOG.md"
        ),
        _doc("recordings", "Recordings", "Their format, and how to write, replay and stream one."),
        _doc("engine", "The detection engine", "How frames become events, and how well it counts."),
    ],
    "Look after customers": [
        _doc("staff-guide", "Staff guide", "The admin, day by day, with pictures."),
    ],
    "Run it": [
        _doc("settings", "Settings", "Every variable, its default, and what it does."),
        _doc("operations", "Operation", "Processes, commands, logs, metrics, and what to do when."),
        _doc("upgrades", "Upgrades", "To the next release without an outage, and back."),
        _doc("backup", "Backup and restore", "What to keep, and how to bring it back."),
        _doc("capacity", "Connections and memory", "What each process takes, for sizing."),
        _doc("faults", "Faults", "What production did while its parts were killed."),
        _doc("security", "Security", "What is protected, from whom, and what holds it."),
    ],
    "Change it": [
        _doc("architecture", "Architecture", "The processes and the packages, on one page."),
        Guide(
            "decisions", "Decisions", "Why it is so, a short page each.", DECISIONS / "README.md"
        ),
        _doc("contributing", "Contributing", "Set up, the gate, and what a change touches."),
        _doc("benchmarks", "Benchmarks", "Every figure, with its command and its day."),
    ],
}
# Every guide by its slug. A decision is linked from the page of all decisions alone.
GUIDES = {guide.slug: guide for guides in SECTIONS.values() for guide in guides} | {
    f"decisions/{path.stem}": _doc(f"decisions/{path.stem}", path.stem, "")
    for path in sorted(DECISIONS.glob("[a-z]*.md"))
}
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
    if path.parent == EXAMPLES and path.suffix == ".yaml" and path.is_file():
        return f"{_BY_SOURCE[EXAMPLES].address}#{path.stem}"
    if path in files().values():
        return f"/docs/{path.relative_to(DOCS).as_posix()}"
    return None
