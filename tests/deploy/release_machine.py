"""A machine below a folder for deploy/upgrade and deploy/rollback, with small releases.

Its systemctl and systemd-run are of the test, since the tests' machine may have no systemd: they
start real processes as the installed units say. What else a release is made of is recorded.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from tests.documented import commands

# To Python the second line is a text. After "#!" a path may have no space.
IN_PYTHON = f'#!/bin/sh\n"exec" "{sys.executable}" "$0" "$@"'
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "advice.detachedHead=false")
FAILS = """
import os, sys, time
from pathlib import Path
state = Path(os.environ["STATE"])
step = " ".join(sys.argv[1:])
with (state / "steps").open("a") as steps:
    steps.write(f"{NAME} {step} in {Path.cwd().resolve().name}\\n")
failing = (state / "fails").read_text() if (state / "fails").exists() else ""
if failing and failing in f"{NAME} {step}":
    sys.exit(3)
blocking = (state / "blocks").read_text() if (state / "blocks").exists() else ""
if blocking and blocking in f"{NAME} {step}":
    (state / "blocks").rename(state / "blocked")
    while (state / "blocked").exists():
        time.sleep(0.05)
"""
PIP = f'NAME = "pip"{FAILS}'
VENV = """
import os, sys
from pathlib import Path
programs = Path(sys.argv[-1], "bin")
programs.mkdir(parents=True, exist_ok=True)
(programs / "python").unlink(missing_ok=True)
(programs / "python").symlink_to(sys.executable)
"""
MANAGE = f"""NAME = "manage.py"{FAILS}
if "collectstatic" in sys.argv:
    Path("staticfiles").mkdir(exist_ok=True)
    named = Path("form").read_text().strip()
    Path("staticfiles", f"page.{{named}}.css").write_text(named)
    Path("staticfiles", "staticfiles.json").write_text(named)
"""
COMPILE = f"""NAME = "compile"{FAILS}
from detection.engine_build import FOLDER, build_below
build_below(FOLDER).mkdir(parents=True)
"""
SYSTEMD_RUN = f"""{IN_PYTHON}
NAME = "systemd-run"
import os, subprocess, sys
from pathlib import Path
words = sys.argv[1:]
given = [word for word in words if word.startswith("--")]
[folder] = [word.rpartition("=")[2] for word in given if "WorkingDirectory=" in word]
unit = next((word.partition("=")[2] for word in given if word.startswith("--unit=")), "unnamed")
# What it starts is systemd's: it goes on where this is killed.
process = subprocess.Popen(words[len(given):], cwd=folder, start_new_session=True)
pid = Path(os.environ["STATE"], f"{{unit}}.pid")
pid.write_text(str(process.pid))
status = process.wait()
pid.unlink()
sys.exit(status)
"""
MAKE = f"""{IN_PYTHON}
NAME = "make"{FAILS}
Path("tryout/static/tryout/built").mkdir(parents=True)
"""
# Answers that it is ready, unless the release is broken; without a port it ends then.
SERVER = """
import sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if Path("is-broken").exists() else 200)
        self.end_headers()
    def log_message(self, *_):
        pass
while sys.argv[1] == "0":
    time.sleep(0.5)
    if Path("is-broken").exists():
        sys.exit(1)
HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SYSTEMCTL = f"""{IN_PYTHON}
NAME = "systemctl"{FAILS}
import re, signal, subprocess
prefix = os.environ["KYNAPLATFORM_PREFIX"]

def pid_of(unit):
    file = state / f"{{unit}}.pid"
    pid = int(file.read_text()) if file.exists() else 0
    if not pid or Path(f"/proc/{{pid}}/cwd").exists():
        return pid
    # Restart=always
    return start(unit) if unit.startswith("kynaplatform-") else 0

def lines_of(unit):
    template = re.sub(r"@\\d+", "@", unit)
    files = [
        f"{{prefix}}/etc/systemd/system/{{template}}",
        f"{{prefix}}/etc/systemd/system/kynaplatform-.service.d/common.conf",
        *map(str, Path(f"{{prefix}}/run/systemd/system/{{unit}}.d").glob("*.conf")),
    ]
    return [line for file in files for line in Path(file).read_text().splitlines()]

def start(unit):
    folders = [line for line in lines_of(unit) if line.startswith("WorkingDirectory=")]
    folder = prefix + folders[-1].partition("=")[2].removeprefix(prefix)
    own = (state / "metrics-port").read_text() if "webhooks" in unit else "0"
    port = int(unit.partition("@")[2].removesuffix(".service") or own)
    port += 1000 if "@" in unit and "realtime" not in unit else 0
    server = subprocess.Popen(
        [sys.executable, state / "server.py", str(port)],
        cwd=folder, env={{**os.environ, "WORKER_METRICS_PORT": own}},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )
    (state / f"{{unit}}.pid").write_text(str(server.pid))
    return server.pid

def stop(unit):
    if pid := pid_of(unit):
        os.kill(pid, signal.SIGTERM)
        (state / f"{{unit}}.pid").unlink()

command, *words = [word for word in sys.argv[1:] if not word.startswith("--")]
if command == "show":
    [asked] = words
    units = [file.stem for file in state.glob("kynaplatform-*.pid")] if "*" in asked else [asked]
    for unit in units:
        is_active = "active" if pid_of(unit) else "inactive"
        print(f"MainPID={{pid_of(unit)}}\\nId={{unit}}\\nActiveState={{is_active}}\\n")
elif command == "restart":
    [unit] = words
    stop(unit)
    start(unit)
elif command in ("disable", "stop"):
    stop(words[-1])
"""
PAGE = PROJECT / "docs/upgrades.md"
# What of the project a release has as it is.
SHIPPED = ("deploy", "detection/engine_build.py")


@dataclass
class ReleaseMachine:
    """`units` are what the releases' target starts, on ports of its own."""

    folder: Path

    def __post_init__(self) -> None:
        self.state, self.root = self.folder / "state", self.folder / "opt/kynaplatform"
        self.source, self.etc = self.folder / "source", self.folder / "etc/kynaplatform"
        programs, fakes = self.folder / "programs", self.folder / "fakes"
        run = self.folder / "run"
        for made in (self.state, self.source, self.etc, programs, self.root.parent, run):
            made.mkdir(parents=True)
        for name, text in {
            "systemctl": SYSTEMCTL, "systemd-run": SYSTEMD_RUN, "make": MAKE, "npm": "",
        }.items():  # fmt: skip
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        for name, text in (("pip", PIP), ("venv", VENV)):
            (fakes / name).mkdir(parents=True)
            (fakes / name / "__main__.py").write_text(text)
            (fakes / name / "__init__.py").touch()
        (self.state / "server.py").write_text(SERVER)
        (self.etc / "env").touch()
        self.environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "KYNAPLATFORM_PREFIX": str(self.folder),
            "STATE": str(self.state),
            # Before the library's own.
            "PYTHONPATH": str(fakes),
            "PYTHON": sys.executable,
        }
        api, first, last = (free_port(also_free=1000) for _ in range(3))
        first, last = sorted((first, last))
        self.units = [
            f"kynaplatform-api@{api}.service",
            f"kynaplatform-realtime@{first}.service",
            f"kynaplatform-realtime@{last}.service",
        ]
        self.git("init", "-q", "-b", "main", ".")

    def release(self, form: int, **files: str) -> str:
        """Commit one whose states have that form; gives the name of its folder."""
        for name in SHIPPED:
            target = self.source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, target, dirs_exist_ok=True)
            else:
                shutil.copy(PROJECT / name, target)
        (self.source / "deploy/systemd/kynaplatform.target").write_text(
            "".join(f"Wants={unit}\n" for unit in self.units)
        )
        for name, text in {
            "requirements.txt": "",
            "requirements-mypyc.txt": "mypy==1\n",
            "manage.py": MANAGE,
            "form": str(form),
            "detection/__init__.py": "class ENGINE_BUILD:\n    reason = ''\n",
            "detection/engine/snapshots.py": f"SNAPSHOT_FORM = {form}\n",
            "dev/tools/__init__.py": "",
            "dev/tools/compile_engine.py": COMPILE,
            **files,
        }.items():
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            (self.source / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", f"form {form}")
        return self.git("rev-parse", "--short=12", "HEAD").strip()

    def clone(self) -> None:
        words = ["clone", "-q", "--no-checkout", str(self.source), str(self.root)]
        subprocess.run(["git", *words], check=True)

    def install_as_before_this_layout(self) -> None:
        """A checkout with its environment, whose units name its paths."""
        for file in self.source.glob("deploy/systemd/**/*.*"):
            if file.is_file():
                text = file.read_text().replace("/opt/kynaplatform/current", "/opt/kynaplatform")
                file.write_text(text)
        self.git("commit", "-q", "--all", "-m", "an old one")
        subprocess.run(["git", "clone", "-q", self.source, self.root], check=True)
        (self.root / ".venv/bin").mkdir(parents=True)
        (self.root / ".venv/bin/python").symlink_to(sys.executable)
        shutil.copytree(self.root / "deploy/systemd", self.folder / "etc/systemd/system")
        subprocess.run(
            [self.root / ".venv/bin/python", "manage.py", "collectstatic"],
            cwd=self.root, env=self.environment, check=True,
        )  # fmt: skip
        for unit in self.units:
            self.systemctl("restart", unit)
        self.steps()

    def upgrade(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """As docs/upgrades.md has it, also where the code before has no such command."""
        script = commands("upgrades.md", "git show origin/main:deploy/upgrade")
        for path in ("/opt/", "/run/"):
            script = script.replace(path, f"{self.folder}{path}")
        return self.run("sh", "-c", " ".join([script.rstrip(), *words]))

    def begin_upgrade(self, blocked_at: str) -> "subprocess.Popen[bytes]":
        """In a session of its own; returns once that step waits."""
        (self.state / "blocks").write_text(blocked_at)
        words = ["sh", str(self.root / "current/deploy/upgrade")]
        process = subprocess.Popen(words, env=self.environment, start_new_session=True)
        while not (self.state / "blocked").exists():
            assert process.poll() is None
            time.sleep(0.05)
        return process

    def go_on(self) -> None:
        (self.state / "blocked").unlink()

    def roll_back(self, *words: str) -> "subprocess.CompletedProcess[str]":
        [rollback] = re.findall(r"\*\*With systemd\*\*, run\s+`(\S+)`", PAGE.read_text())
        return self.run(f"{self.folder}{rollback}", *words)

    def systemctl(self, *words: str) -> None:
        subprocess.run(["systemctl", *words], env=self.environment, check=True)

    def fail(self, step: str) -> None:
        (self.state / "fails").write_text(step)

    def steps(self) -> list[str]:
        """What was asked of each program since the last call, but for questions."""
        file = self.state / "steps"
        told = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line for line in told if not line.startswith("systemctl show")]

    def runs(self) -> dict[str, str]:
        """Of each unit the folder of the release whose code its process has."""
        return {
            unit: Path(os.readlink(f"/proc/{pid}/cwd")).name for unit, pid in self.pids().items()
        }

    def pids(self) -> dict[str, int]:
        return {
            file.stem: int(file.read_text())
            for file in sorted(self.state.glob("kynaplatform-*.pid"))
        }

    def stop(self) -> None:
        for pid in self.pids().values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    def git(self, *words: str, where: Path | None = None) -> str:
        """In what the releases come from, or in another repository."""
        done = subprocess.run(
            [*GIT, *words], cwd=where or self.source, capture_output=True, text=True, check=True
        )
        return done.stdout
