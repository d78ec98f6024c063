"""The machine's Chromium, headless: for the tests in a browser and the staff guide's pictures."""

import shutil

# Those that can keep a screen on, and have a camera.
WITH_SCREEN = ("chromium", "google-chrome")
# The first draws no window, and takes a third less processor time.
PROGRAMS = ("chromium-headless-shell", *WITH_SCREEN)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium_program() -> str | None:
    """The path of the installed Chromium, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
