"""The movements of the figure that ship, by the name of their file."""

from pathlib import Path

from poses.figure.keyframes import Movement
from poses.figure.movement_files import read_movement

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "movements"
MOVEMENTS: dict[str, Movement] = {
    path.stem: read_movement(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
}
EXERCISES: tuple[str, ...] = tuple(MOVEMENTS)
