"""How well the engine counts: recordings of people, what is no repetition, MoveSpecs of other
authors, other views. `python -m bench.score --help` has the command, docs/engine.md the figures.

Imports within are relative: the scripts of bench import each other without its name, so that the
type checker sees no package there.
"""
