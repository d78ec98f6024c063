"""What deploy/upgrade and deploy/rollback run on: folders, systemd's units, programs."""

import http.client
import os
import re
import subprocess
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

PREFIX = os.environ.get("KYNAPLATFORM_PREFIX", "")
ROOT = Path(f"{PREFIX}/opt/kynaplatform")
ETC = Path(f"{PREFIX}/etc/kynaplatform")
UNITS = Path(f"{PREFIX}/etc/systemd/system")
# Gone after a reboot, as the processes are that it is for.
RUNTIME_UNITS = Path(f"{PREFIX}/run/systemd/system")
# After the other drop-ins, whose order is that of their names.
HELD = "zz-release.conf"
# In the order of their restarts; a number is how far from a server's port that of its /readyz is.
KINDS = {"api": 1000, "pages": 1000, "realtime": 0, "worker": None, "webhooks": None, "beat": None}
# Unless a process's environment has another; 0 is none.
METRICS_PORTS = {"worker": 8002, "webhooks": 8012}
READY_SECONDS = 60.0
# Longer than a process takes to find out that it can't start.
STEADY_SECONDS = 15.0
# What a unit of another release may set, as it is where a unit doesn't set it.
UNSET = (
    *("Type=simple", "NotifyAccess=none", "WatchdogSec=0"),
    *("ExecStart=", "ExecStartPost=", "UnsetEnvironment="),
)


class StepFailedError(Exception):
    """A step failed; the text says which."""


def in_order(units: Iterable[str]) -> list[str]:
    return sorted(sorted(units), key=lambda unit: [*KINDS, kind_of(unit)].index(kind_of(unit)))


def running() -> list[str]:
    return [
        unit["Id"]
        for unit in shown("kynaplatform-*.service")
        if unit["ActiveState"] in ("active", "activating", "reloading")
        and unit["Id"] != "kynaplatform-migrate.service"
    ]


def take(unit: str, release: Path) -> None:
    """Have it run the release, until it serves."""
    let_go(unit)
    if runs(unit) != release:
        step(f"Restarting {unit}")
        run("systemctl", "restart", unit, hint=see(unit))
    deadline = time.monotonic() + READY_SECONDS
    while (fault := fault_of(unit)) is not None:
        if time.monotonic() > deadline:
            raise StepFailedError(f"{unit} is not ready: {fault}. {see(unit)}")
        time.sleep(0.2)


def await_steady(units: Iterable[str]) -> None:
    """Those that take no requests would be started again and again, without a word."""
    pids = {unit: main_pid(unit) for unit in units if KINDS.get(kind_of(unit)) is None}
    time.sleep(STEADY_SECONDS if pids else 0)
    for unit, pid in pids.items():
        if pid == "0" or main_pid(unit) != pid:
            raise StepFailedError(f"{unit} started, and ended. {see(unit)}")


def see(unit: str) -> str:
    return f"See `journalctl -u {unit}`."


def fault_of(unit: str) -> str | None:
    """Why it doesn't work yet; None where it does, and where it has nothing that tells."""
    if main_pid(unit) == "0":
        return "it has ended"
    try:
        port, path = monitor(unit)
        if port == 0:
            return None
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            return None if answer.status == 200 else text
    except (OSError, http.client.HTTPException) as error:
        return str(error)


def monitor(unit: str) -> tuple[int, str]:
    kind = kind_of(unit)
    if (further := KINDS.get(kind)) is not None:
        return int(unit.partition("@")[2].removesuffix(".service")) + further, "/readyz"
    if kind not in METRICS_PORTS:
        return 0, ""
    settings = Path(f"/proc/{main_pid(unit)}/environ").read_bytes()
    given = re.search(rb"\bWORKER_METRICS_PORT=(\d+)", settings)
    return int(given[1]) if given else METRICS_PORTS[kind], "/healthz"


def hold(unit: str) -> None:
    """What runs goes on as its own release has it, until `let_go`."""
    release = runs(unit)
    file = RUNTIME_UNITS / f"{unit}.d" / HELD
    own = None if release is None else release / "deploy" / "systemd" / template_of(unit)
    if own is None or not own.exists():
        return
    lines = [*UNSET, *service_lines(own)]
    lines += [f"WorkingDirectory={release}", f"EnvironmentFile=-{release}/revision"]
    yours = [*UNITS.glob(f"{template_of(unit)}.d/*.conf"), *UNITS.glob(f"{unit}.d/*.conf")]
    if any(line.startswith("ExecStart=") for one in yours for line in service_lines(one)):
        lines = [line for line in lines if not line.startswith("ExecStart=")]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["[Service]", *lines, ""]))


def let_go(unit: str) -> None:
    file = RUNTIME_UNITS / f"{unit}.d" / HELD
    if file.exists():
        file.unlink()
        reload_systemd()


def reload_systemd() -> None:
    run("systemctl", "daemon-reload")


def runs(unit: str) -> Path | None:
    """The release whose code a unit's process runs."""
    try:
        return Path(os.readlink(f"/proc/{main_pid(unit)}/cwd"))
    except OSError:
        return None


def main_pid(unit: str) -> str:
    """`0` where nothing runs."""
    return shown(unit)[0]["MainPID"]


def shown(pattern: str) -> list[dict[str, str]]:
    told = tell("systemctl", "show", "--property=Id,ActiveState,MainPID", pattern)
    units = told.split("\n\n") if told else []
    return [dict(line.split("=", 1) for line in unit.splitlines()) for unit in units]


def kind_of(unit: str) -> str:
    return re.split(r"[@.]", unit.removeprefix("kynaplatform-"))[0]


def template_of(unit: str) -> str:
    return re.sub(r"@\d+", "@", unit)


def service_lines(file: Path) -> list[str]:
    """Those of its section `[Service]`."""
    section = file.read_text().partition("[Service]\n")[2].partition("\n[")[0]
    return [line for line in section.splitlines() if line and not line.startswith("#")]


def step(text: str) -> None:
    print(f"==> {text}", flush=True)


def run(
    *command: object,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    stdout: int | None = None,
    hint: str = "",
) -> str:
    """What it writes, where `stdout` is a pipe."""
    words = [str(word) for word in command]
    env = {**os.environ, **(env or {})}
    # It has the lock too, and keeps it where this process is killed.
    done = subprocess.run(
        words, cwd=cwd, env=env, stdout=stdout, text=True, close_fds=False, check=False
    )
    if done.returncode != 0:
        shown = " ".join(word for word in words if not word.startswith("--property="))
        raise StepFailedError(f"`{shown}` ended with {done.returncode}. {hint}".rstrip())
    return (done.stdout or "").strip()


def tell(*command: object, cwd: Path | None = None) -> str:
    return run(*command, cwd=cwd, stdout=subprocess.PIPE)
