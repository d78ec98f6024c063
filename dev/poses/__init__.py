"""Pose frames to try the engine with: of a figure that exercises, of recordings of people, and of
variants of both."""
