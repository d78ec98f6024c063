"""Print how well the engine counts, in tables: recordings of people from RECORDINGS_DIR, the people
of PEOPLE_DIR, what is no repetition, MoveSpecs of other authors, other views."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import (
    ablation,
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
    "ablation": ablation.tables,
}
WITHOUT_RECORDINGS = {"views", "people", "angles"}
OF_PEOPLE = {"people", "angles", "ablation"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.score", description=__doc__)
    parser.add_argument(
        "--only", metavar="PART,…", default=",".join(PARTS), help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each Nth recording")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object of all tables")
    form.add_argument(
        "--write-docs",
        action="store_true",
        help=f"put the tables into {tables.PAGE.name}, and the cards into {cards.FILE.name}",
    )
    options = parser.parse_args(arguments)
    parts = options.only.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    if options.write_docs and set(parts) != set(PARTS):
        parser.error("--write-docs takes all parts.")

    samples = []
    if set(parts) - WITHOUT_RECORDINGS:
        folder = os.environ.get("RECORDINGS_DIR")
        if not folder:
            parser.error("Set RECORDINGS_DIR to a folder of recordings (NAME.json.gz).")
        samples = load_samples(Path(folder))
        if not samples:
            parser.error(f"{folder} has no recording that a human has counted.")
    films = []
    if OF_PEOPLE & set(parts):
        folder = os.environ.get("PEOPLE_DIR")
        if folder:
            films = load_films(Path(folder))
        elif options.write_docs or set(parts) <= OF_PEOPLE:
            parser.error("Set PEOPLE_DIR to the folder of people as they are.")
        else:
            parts = [part for part in parts if part not in OF_PEOPLE]
            sys.stderr.write("Without people: PEOPLE_DIR names no folder.\n")
    every = options.every
    with Workers(samples[::every], options.processes, films[::every]) as workers:
        made = {part: PARTS[part](workers) for part in PARTS if part in parts}
        if options.write_docs:
            cards.write(workers)
    if options.json:
        texts = {part: {one.key: one.json() for one in of} for part, of in made.items()}
        say(json.dumps(texts, indent=1))
    elif options.write_docs:
        tables.write(made)
    else:
        say("\n\n".join(table.text() for of in made.values() for table in of))
    return 0


def say(text: str) -> None:
    print(text)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
