"""kynaplatform/logs.py: what a process writes besides what it logs, in both formats"""

import json
import logging
import os
import subprocess
import sys

import pytest

from dev.local_stack.environment import PROJECT
from kynaplatform.logs import JsonLine


def stderr_of(code, log_format, status=0):
    done = subprocess.run(
        [sys.executable, "-c", f"import django\ndjango.setup()\n{code}"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "kynaplatform.settings",
            "LOG_FORMAT": log_format,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, "")
    return done.stderr


EVERYTHING = """
import threading, warnings
warnings.warn("one\\ntwo")
def fail(): raise KeyError("in a thread")
thread = threading.Thread(target=fail, name="apart")
thread.start()
thread.join()
class Left:
    def __del__(self): raise ValueError("left")
Left()
raise ZeroDivisionError("at last")
"""


def test_warnings_and_uncaught_exceptions_are_lines_too():
    lines = [json.loads(line) for line in stderr_of(EVERYTHING, "json", status=1).splitlines()]
    warning, in_thread, ignored, at_last = lines
    assert (warning["logger"], warning["level"]) == ("py.warnings", "WARNING")
    assert "UserWarning: one\ntwo" in warning["message"]
    assert (in_thread["message"], in_thread["thread"], in_thread["level"]) == (
        "uncaught exception in thread apart",
        "apart",
        "CRITICAL",
    )
    assert in_thread["exception"].endswith("KeyError: 'in a thread'")
    assert (ignored["message"], ignored["level"]) == ("exception ignored in Left.__del__", "ERROR")
    assert ignored["exception"].endswith("ValueError: left")
    assert at_last["message"] == "uncaught exception"
    assert at_last["exception"].endswith("ZeroDivisionError: at last")
    assert {line["process"] for line in lines} == {"command"}


def record(message, *args):
    return logging.LogRecord("some.library", logging.INFO, "/a.py", 1, message, args, None)


@pytest.mark.parametrize("text", ["a\nb", "\u2028", "\ud800", '"', "é"])
def test_a_line_is_one_line_of_ascii_whatever_it_says(text):
    line = JsonLine().format(record("%(said)s", {"said": text}))
    assert (line.isascii(), line.count("\n")) == (True, 0)
    assert json.loads(line)["said"] == json.loads(line)["message"] == text


def test_a_field_neither_hides_what_every_line_has_nor_is_nested():
    line = json.loads(JsonLine().format(record("x", {"time": "never", "who": ["a", "b"]})))
    assert line["time"].endswith("Z")
    assert line["who"] == "['a', 'b']"
