"""Recordings as people work with them: made, run through the engine offline, and streamed."""
