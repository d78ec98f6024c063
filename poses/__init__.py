"""Pose frames to try the engine with: a figure that exercises, recordings of people who
do, and variants of both."""
