"""The commands for recordings: make one, run the engine over it offline, and stream it."""
