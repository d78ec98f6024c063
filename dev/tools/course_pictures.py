"""Which pictures the course has, and of what. course_drawings.py draws them."""

from collections.abc import Mapping
from dataclasses import dataclass

from detection import Measure


@dataclass(frozen=True)
class Picture:
    """Of which run of its page, which measure over time, and in which phases the body is shown.

    `turned` shows one phase from several sides in place of the run's own. Who is seated has the
    hips at one height, not the lowest foot.
    """

    measure: Measure
    run: int = 0
    phases: tuple[str, ...] = ()
    turned: tuple[float, ...] = ()
    is_seated: bool = False


# By the name of the page; the cookbook has several.
PICTURES: Mapping[str, Picture] = {
    "first-movement": Picture("knee", phases=("standing", "bottom")),
    "joints-and-leans": Picture("elbow", phases=("up", "down")),
    "sides": Picture("elbow", run=1),
    "where-to-film": Picture("trunk", phases=("bowed",), turned=(0, 60, 90)),
    "own-range": Picture("knee"),
    "strict": Picture("knee"),
    "conditions": Picture("trunk", run=1, phases=("bottom",)),
    "sequence": Picture("knee", phases=("seated", "standing")),
    "steps": Picture("knee"),
    "setup": Picture("knee"),
    "holds": Picture("knee", phases=("plank",)),
    "each-side": Picture("elbow"),
    "checks": Picture("knee"),
    "cues": Picture("knee"),
    "parameters": Picture("knee"),
    "try-it": Picture("hip", phases=("upright", "bowed")),
    "cookbook-press": Picture("elbow", run=0, phases=("racked", "overhead")),
    "cookbook-swing": Picture("hip", run=1, phases=("hinged", "upright")),
    "cookbook-hold": Picture("knee", run=2, phases=("sitting",)),
    "cookbook-each-side": Picture("knee", run=3, phases=("standing", "lowered")),
    "cookbook-both-arms": Picture("shoulder", run=4, phases=("down", "up")),
    "cookbook-seated": Picture("knee", run=5, phases=("bent", "straight"), is_seated=True),
}
