"""Pose frames to try the engine with: a figure that exercises, and recordings of people who do."""
