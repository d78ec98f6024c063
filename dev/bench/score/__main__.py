"""Print how well the engine counts, in tables: recordings of people from RECORDINGS_DIR, the people
of PEOPLE_DIR, what is no repetition, MoveSpecs of other authors, other views."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    angles,
    cards,
    negatives,
    other_authors,
    people,
    quality,
    recordings,
    tables,
    views,
)
from .engine_runs import Workers
from .samples import load_films, load_samples

PARTS: dict[str, Callable[[Workers], list[tables.Table]]] = {
    "recordings": recordings.tables,
    "quality": quality.tables,
    "gates": negatives.tables_of_gates,
    "negatives": negatives.tables,
    "cards": cards.tables,
    "authors": other_authors.tables,
    "views": views.tables,
    "variants": recordings.tables_of_variants,
    "attempts": recordings.tables_of_attempts,
    "people": people.tables,
    "angles": angles.tables,
}
WITHOUT_RECORDINGS = {"views", "people", "angles"}
OF_PEOPLE = {"people", "angles"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.score", description=__doc__)
    parser.add_argument(
        "--only", metavar="PART,…", default=",".join(PARTS), help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth recording")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help=f"put the tables into {tables.PAGE.name}, and the cards into {cards.FILE.name}",
    )
    options = parser.parse_args(arguments)
    parts = set(options.only.split(","))
    if unknown := parts - set(PARTS):
        parser.error(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    if options.write_docs and parts != set(PARTS):
        parser.error("--write-docs takes all parts.")

    def folder(variable: str) -> Path:
        if not os.environ.get(variable):
            parser.error(f"Set {variable} to its folder, as docs/accuracy.md says.")
        return Path(os.environ[variable])

    samples = load_samples(folder("RECORDINGS_DIR")) if parts - WITHOUT_RECORDINGS else []
    films = load_films(folder("PEOPLE_DIR")) if parts & OF_PEOPLE else []
    every = options.every
    with Workers(samples[::every], options.processes, films[::every]) as workers:
        made = [table for part in PARTS if part in parts for table in PARTS[part](workers)]
        if options.write_docs:
            cards.write(workers)
            tables.write(made)
        else:
            print("\n\n".join(table.text() for table in made))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
