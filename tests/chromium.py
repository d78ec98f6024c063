"""The machine's Chromium, headless."""

# Those that can keep a screen on, and have a camera.
WITH_SCREEN = ("chromium", "google-chrome")
# The first draws no window, and takes a third less processor time.
PROGRAMS = ("chromium-headless-shell", *WITH_SCREEN)
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
