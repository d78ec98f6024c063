"""The movements of the figure that ship, by the name of their file."""

from pathlib import Path

from dev.poses.figure.keyframes import Movement
from dev.poses.figure.movement_files import read_movement

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "movements"
MOVEMENTS: dict[str, Movement] = {
    path.stem: read_movement(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)
