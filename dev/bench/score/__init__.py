"""The score of the engine: recordings of people, what is no repetition, MoveSpecs of other
authors, other views. docs/accuracy.md has the figures, `python -m dev.bench.score --help` the
command."""
