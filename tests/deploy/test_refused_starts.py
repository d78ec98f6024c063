"""`python -m kynaplatform api` or `pages` with a fault: it says so once, and ends"""

import os
import socket
import subprocess
import sys
from pathlib import Path

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from tests.long_runs import at_length

# Such as a settings file says; a fault that only a worker met had it started again for ever.
STATIC = """
from kynaplatform.settings import *
STATIC_ROOT = {folder!r}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = False
STORAGES["staticfiles"]["BACKEND"] = "whitenoise.storage.CompressedManifestStaticFilesStorage"
"""


def refusal(*arguments: str, service: str = "api", **variables: str) -> str:
    """What it says; it has ended."""
    process = processes.start(
        [sys.executable, "-m", "kynaplatform", service, "--port", "0", *arguments],
        cwd=PROJECT,
        env={**os.environ, "WEB_PROCESSES": "2", **variables},
        stdout=subprocess.PIPE,
    )
    try:
        said, _ = process.communicate(timeout=60)
    finally:
        processes.stop(process, signals=[])
    assert b"Spawning worker" not in said
    assert process.returncode == 1
    return said.decode()


def test_settings_at_fault_are_all_told_at_once() -> None:
    said = refusal(
        ENVIRONMENT="production",
        SECRET_KEY="short",
        SECRET_PEPPERS="",
        SIGNING_KEY_SECRETS="none",
        DATABASE_URL="mysql://localhost/kyna",
        REDIS_URL="",
        ALLOWED_HOSTS="",
        WEB_PROCESSES="65",
        SESSION_IDLE_SECONDS="0",
    )
    told = [line.partition("kynaplatform.")[2][:4] for line in said.splitlines()]
    assert sorted(filter(None, told)) == [
        *("E001", "E002", "E003", "E006", "E008", "E010", "E011", "E012", "E014")
    ]


@at_length(
    "name, value, told",
    ("ENV_FILE", "/none", "ENV_FILE names /none, which can't be read: No such file or di"),
    ("TRUSTED_PROXIES", "proxy", "TRUSTED_PROXIES is wrong: 'proxy' does not appear to be"),
)
def test_a_malformed_setting_is_told(name: str, value: str, told: str) -> None:
    assert refusal(**{name: value}).startswith(told)


def test_a_port_of_monitors_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal("--monitor-port", str(port))
    assert said == (
        f"Monitors can't be answered on port {port}: [Errno 98] Address already in use.\n"
    )


def test_static_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    static = tmp_path / "static"
    static.mkdir()
    (static / "a.0123456789ab.css").touch()
    (static / "staticfiles.json").mkdir()
    (tmp_path / "with_static.py").write_text(STATIC.format(folder=str(static)))
    said = refusal(service="pages", PYTHONPATH=str(tmp_path), DJANGO_SETTINGS_MODULE="with_static")
    assert "IsADirectoryError: " in said.splitlines()[-1]
