"""The machine's Chromium, headless: for the tests in a browser and the staff guide's pictures."""

import shutil

PROGRAMS = ("chromium", "google-chrome")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def chromium_program() -> str | None:
    """The path of the installed Chromium, if there is one."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
