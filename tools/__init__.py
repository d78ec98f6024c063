"""What `make` offers beside running the platform: the demo, the gate, the pictures of the docs."""
