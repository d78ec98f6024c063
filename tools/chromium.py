"""The machine's Chromium, headless: for the tests in a browser and the staff guide's pictures."""

import shutil

PROGRAMS = ("chromium", "google-chrome")
# Draws no window, which takes two thirds of the processor time, and has no camera.
WITHOUT_CAMERA = "chromium-headless-shell"
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium_program(*, has_camera: bool = False) -> str | None:
    """The path of the installed Chromium, if there is one that is wanted."""
    names = PROGRAMS if has_camera else (WITHOUT_CAMERA, *PROGRAMS)
    return next(filter(None, map(shutil.which, names)), None)
