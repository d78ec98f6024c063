"""Prometheus's own judgement of files that are for it."""

import shutil
import subprocess

from tests.plugin import skip_without


def promtool(*words: str) -> None:
    program = shutil.which("promtool")
    if program is None:
        skip_without("promtool is not installed")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
