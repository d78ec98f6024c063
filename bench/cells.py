"""Projects on cells: how even they lie, what moves when a cell comes, and what one's death takes.

    python -m bench.cells [--streams 100000] [--projects 4000] [--cells 40] [--tail 1.2]
                          [--slack 0.1] [--largest 0.5] [--seed 1]

Nothing runs: it is arithmetic over made-up projects. Their streams at the peak are heavy-tailed (a
Pareto distribution of that `--tail`), and no project has more than `--largest` of a cell's even
share: a larger one is cut into several. A project is on one cell, by one of three rules:

- hashed: the first cell of the project's own order, which follows from both names (rendezvous);
- bounded: the first one there that has room, which is the even share and `--slack` more;
- table: the least loaded cell when the project came, written down, and moved by hand alone.

Of each: the fullest cell against the even share; the share of the streams that change their cell
when one is added, and the fullest after it; and over the death of each cell the most streams that
fall, the most that move beside them, and the fullest cell once all are placed. `headroom` is what
every cell must have above the even share so that none is overfull then. `grown` is the fullest when
each project has grown or shrunk by a factor of its own (lognormal, sigma 0.5), and `to_even` what
has to move to have all below the slack again.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from hashlib import blake2b

from bench.command import read_options, show

Projects = Mapping[str, float]  # name → streams at its peak, in the order in which they came
Placement = dict[str, str]  # project → cell
# Projects, cells, and the placement of before.
Rule = Callable[[Projects, Sequence[str], Placement], Placement]
GROWTH_SIGMA = 0.5


def main() -> None:
    options = read_options(
        __doc__,
        streams=100_000, projects=4_000, cells=40, tail=1.2, slack=0.1, largest=0.5, seed=1,
    )  # fmt: skip
    cells = [f"cell-{n}" for n in range(options.cells)]
    share = options.streams / options.cells
    projects = made_up(
        options.streams, options.projects, options.tail, options.largest * share, options.seed
    )
    sizes = sorted(projects.values(), reverse=True)
    tenth = len(sizes) // 10
    show(
        "projects",
        count=len(sizes),
        largest=sizes[0],
        median=sizes[len(sizes) // 2],
        of_the_first_tenth=sum(sizes[:tenth]) / options.streams,
    )
    for name, rule in rules(options.slack).items():
        show(name, **figures(projects, cells, rule, options.slack, options.seed))


def rules(slack: float) -> dict[str, Rule]:
    return {
        "hashed": hashed,
        "bounded": lambda projects, cells, _: bounded(projects, cells, slack),
        "table": table,
    }


def figures(
    projects: Projects, cells: Sequence[str], rule: Rule, slack: float, seed: int
) -> dict[str, float]:
    total = sum(projects.values())
    before = rule(projects, cells, {})
    more = [*cells, f"cell-{len(cells)}"]
    added = rule(projects, more, before)
    deaths = [after_death(projects, cells, rule, before, dead) for dead in cells]
    fallen, beside, fullest = (max(figures) for figures in zip(*deaths, strict=True))
    grown = after_growth(projects, seed)
    return {
        "fullest": fullness(projects, before, cells),
        "moved_by_one_more": moved(projects, before, added) / total,
        "fullest_then": fullness(projects, added, more),
        "most_fallen": fallen,
        "moved_beside": beside / total,
        "headroom": fullest / (total / len(cells)) - 1,
        "grown": fullness(grown, before, cells),
        "to_even": moved(grown, before, evened(grown, cells, before, slack)) / total,
    }


def after_death(
    projects: Projects, cells: Sequence[str], rule: Rule, before: Placement, dead: str
) -> tuple[float, float, float]:
    """The streams that fall, those of other cells that move as well, and the fullest cell then."""
    left = [cell for cell in cells if cell != dead]
    kept = {project: cell for project, cell in before.items() if cell != dead}
    after = rule(projects, left, kept)
    fallen = load_of(projects, before, cells)[dead]
    beside = moved(projects, before, after) - fallen
    return fallen, beside, max(load_of(projects, after, left).values())


def made_up(streams: float, count: int, tail: float, largest: float, seed: int) -> dict[str, float]:
    """Heavy-tailed projects that have `streams` together; what is larger is cut into equal ones."""
    chance = random.Random(seed)  # noqa: S311
    sizes = [chance.paretovariate(tail) for _ in range(count)]
    scale = streams / sum(sizes)
    projects: dict[str, float] = {}
    for number, size in enumerate(sizes):
        parts = math.ceil(size * scale / largest)
        for part in range(parts):
            projects[f"project-{number}.{part}"] = size * scale / parts
    return projects


@cache
def score(project: str, cell: str) -> bytes:
    """The cells in the order of their scores are the project's own order: a cell that comes or goes
    changes nothing of the others."""
    return blake2b(f"{project} {cell}".encode(), digest_size=8).digest()


def hashed(projects: Projects, cells: Sequence[str], _before: Placement) -> Placement:
    return {project: min(cells, key=partial(score, project)) for project in projects}


def bounded(projects: Projects, cells: Sequence[str], slack: float) -> Placement:
    most = sum(projects.values()) / len(cells) * (1 + slack)
    load = dict.fromkeys(cells, 0.0)
    placement = {}
    for project, streams in projects.items():
        free = [cell for cell in cells if load[cell] + streams <= most]
        # Where none has room, the least loaded.
        cell = min(free, key=partial(score, project)) if free else min(cells, key=load.__getitem__)
        placement[project] = cell
        load[cell] += streams
    return placement


def table(projects: Projects, cells: Sequence[str], before: Placement) -> Placement:
    """Those of `before` stay; of the others the largest first, each to the least loaded cell."""
    placement = {project: before[project] for project in projects if project in before}
    load = load_of(projects, placement, cells)
    others = [project for project in projects if project not in placement]
    if before:
        others.sort(key=projects.__getitem__, reverse=True)
    for project in others:
        cell = min(cells, key=load.__getitem__)
        placement[project] = cell
        load[cell] += projects[project]
    return placement


def evened(projects: Projects, cells: Sequence[str], before: Placement, slack: float) -> Placement:
    """The placement with no cell above the slack: the smallest projects of a fuller one move."""
    placement = dict(before)
    most = sum(projects.values()) / len(cells) * (1 + slack)
    load = load_of(projects, placement, cells)
    by_size = sorted(projects, key=projects.__getitem__)
    for cell in sorted(cells, key=load.__getitem__, reverse=True):
        for project in by_size:
            if load[cell] <= most:
                break
            if placement[project] == cell:
                other = min(cells, key=load.__getitem__)
                placement[project] = other
                load[cell] -= projects[project]
                load[other] += projects[project]
    return placement


def load_of(projects: Projects, placement: Placement, cells: Sequence[str]) -> dict[str, float]:
    load = dict.fromkeys(cells, 0.0)
    for project, cell in placement.items():
        load[cell] += projects[project]
    return load


def fullness(projects: Projects, placement: Placement, cells: Sequence[str]) -> float:
    """The fullest cell's streams, as a multiple of the even share."""
    return max(load_of(projects, placement, cells).values()) / (sum(projects.values()) / len(cells))


def moved(projects: Projects, before: Placement, after: Placement) -> float:
    """The streams of the projects that have another cell."""
    return sum(size for project, size in projects.items() if before[project] != after[project])


def after_growth(projects: Projects, seed: int) -> dict[str, float]:
    """Each by a factor of its own; together they have as many streams as before."""
    chance = random.Random(seed + 1)  # noqa: S311
    grown = {
        project: size * chance.lognormvariate(0, GROWTH_SIGMA) for project, size in projects.items()
    }
    scale = sum(projects.values()) / sum(grown.values())
    return {project: size * scale for project, size in grown.items()}


if __name__ == "__main__":
    main()
