"""The score of the engine: recordings of people, what is no repetition, MoveSpecs of other
authors, other views. `python -m bench.score --help` has the command, docs/engine.md the figures."""
