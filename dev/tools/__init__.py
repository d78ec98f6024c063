"""The tools of `make`: the demo, the gate, and the drawings of the docs."""
