"""Node, and the npm packages of clients/, installed and built once for a run of the tests."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from dev.tools.check import check_page_scripts
from tests.plugin import FOLDER, skip_without
from tests.server import ROOT

OLDEST_NODE = 20
CLIENTS = ROOT / "clients"
WEB = CLIENTS / "web"
# For programs in any folder.
IMPORTS = f"""
import {{readFileSync}} from "node:fs";
import {{setTimeout as pause}} from "node:timers/promises";
import WebSocket from "{(CLIENTS / "node_modules/ws/wrapper.mjs").as_uri()}";
import {{createStream}} from "{(WEB / "dist/index.js").as_uri()}";
"""
INSTALL_OPTIONS = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]


def node() -> str:
    """The path of a Node that is new enough."""
    program = shutil.which("node")
    if program is None or shutil.which("npm") is None:
        skip_without("no node or no npm is installed")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        skip_without(f"node {said.strip()} is older than {OLDEST_NODE}")
    return program


def installed_clients() -> Path:
    """clients/, with its packages installed."""
    node()
    with (Path(os.environ[FOLDER]).parent / "clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run(["make", "--no-print-directory", "-C", "..", "packages"])
    return CLIENTS


def built_clients() -> Path:
    """clients/, with its packages installed, the package built from the source, and the landmarker.

    The script of /try is the committed one, which must be of the same source.
    """
    node()
    with (Path(os.environ[FOLDER]).parent / "clients.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = CLIENTS / "node_modules" / ".built-for-tests"
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        if not marker.exists() or marker.read_text() != run:
            _run(["make", "--no-print-directory", "-C", "..", "packages"])
            _run(["npm", "run", "build", "--workspace", "web"])
            _run(["node", "try/landmarker.mjs"])
            check_page_scripts()
            marker.write_text(run)
    return CLIENTS


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
