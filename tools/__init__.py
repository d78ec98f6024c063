"""The tools of `make`: the demo, the gate, and the pictures of the docs."""
