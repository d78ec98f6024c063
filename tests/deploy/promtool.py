"""Prometheus's own judgement of files that are for it."""

import subprocess

from tests.plugin import installed


def promtool(*words: str) -> None:
    done = subprocess.run(
        [installed("promtool"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
