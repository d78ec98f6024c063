"""A machine with systemd, to install on: this one's files below layers that are gone at the end.

It is a container with the network of this process.
"""

import fcntl
import os
import secrets
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dev.local_stack import processes
from dev.local_stack.environment import PROJECT
from dev.local_stack.guard import children_of
from tests.deploy.faults.stage import StageFailedError

BOOT_SECONDS = 60.0
UP_AND_RUNNING = 0x1 | 0x40
GET_FLAGS, SET_FLAGS = 0x8913, 0x8914
# What is installed here is nothing of that machine: it starts none of it.
EMPTY = ("etc/systemd/system", "opt/kynaplatform", "etc/kynaplatform", "etc/nginx")
# Found by nobody there, the engine runs as Python; and so is a build that takes minutes.
LEFT_OUT = ("usr/bin/gcc", "usr/bin/npm")
NOT_BY_SYSTEMD = ["--register=no", "--keep-unit"]


def missing_for_machine() -> list[str]:
    programs = {"systemd-nspawn": "systemd-container", "nsenter": "util-linux", "git": "git"}
    missing = [package for name, package in programs.items() if shutil.which(name) is None]
    return missing if os.geteuid() == 0 else ["root", *missing]


def fetch_packages(python: str, requirements: list[Path], folder: Path) -> None:
    """Write what pip installs on that machine, which reaches no registry, into `folder`."""
    tools = folder / "venv"
    if not (tools / "bin" / "pip").exists():
        subprocess.run([python, "-m", "venv", tools], check=True)
    for file in requirements:
        subprocess.run(
            [tools / "bin" / "pip", "download", "--quiet", "--dest", folder, "-r", file], check=True
        )


def bring_loopback_up() -> None:
    """In a network of this process's own, where it is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        found = fcntl.ioctl(asked, GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        (flags,) = struct.unpack_from("16xh", found)
        fcntl.ioctl(asked, SET_FLAGS, struct.pack("16sh14x", b"lo", flags | UP_AND_RUNNING))


class SystemdMachine:
    """Its root is `folder/root`. Mounts are those of this process's own namespace."""

    def __init__(self, folder: Path, packages: Path) -> None:
        self.root = folder / "root"
        self.log = folder / "machine.log"
        self._folder = folder
        self._packages = packages
        self._container: subprocess.Popen[bytes] | None = None
        self._init = 0

    def start(self) -> None:
        layers = self._folder / "layers"
        for made in (self.root, layers):
            made.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layers], check=True)
        upper, work = layers / "upper", layers / "work"
        for made in (upper, work):
            made.mkdir()
        options = f"lowerdir=/,upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], check=True)
        for name in EMPTY:
            shutil.rmtree(self.root / name, ignore_errors=True)
            (self.root / name).mkdir(parents=True)
        for name in LEFT_OUT:
            (self.root / name).unlink(missing_ok=True)
        # A machine without an id is at its first boot, and enables all that is installed.
        (self.root / "etc/machine-id").write_text(f"{secrets.token_hex(16)}\n")
        is_by_systemd = Path("/run/systemd/system").is_dir()
        with self.log.open("ab") as log:
            self._container = processes.start(
                [
                    *("systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}"),
                    *("--link-journal=no", "--console=pipe", "--resolv-conf=off"),
                    *([] if is_by_systemd else NOT_BY_SYSTEMD),
                    *("--hostname=kynaplatform-faults", "systemd.unit=multi-user.target"),
                ],
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                stdout=log,
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._has_booted():
            if time.monotonic() > deadline or self._container.poll() is not None:
                raise StageFailedError(f"The machine does not boot: {self.log.read_text()}")
            time.sleep(0.2)

    def stop(self) -> None:
        if self._container is not None:
            processes.stop(self._container, signals=[])

    def run(self, script: str, **variables: str) -> str:
        """What a script of root's prints there. Raises StageFailedError when it fails."""
        done = self._enter(script, variables)
        if done.returncode != 0:
            raise StageFailedError(f"`{script}` ended with {done.returncode}: {done.stdout}")
        return done.stdout

    def _has_booted(self) -> bool:
        assert self._container is not None
        try:
            [container] = children_of(self._container.pid)
            [self._init] = children_of(container)
        except ValueError:
            return False
        return self._enter("systemctl is-active multi-user.target", {}).returncode == 0

    def _enter(
        self, script: str, variables: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        own = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self._packages),
            "PIP_CONFIG_FILE": os.devnull,
            "SYSTEMD_COLORS": "0",
        }
        return subprocess.run(
            [
                *("nsenter", f"--target={self._init}", "--mount", "--uts", "--ipc", "--pid"),
                *("--cgroup", "--root", "--wdns=/", "sh", "-euc", script),
            ],
            env=own | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@contextmanager
def booted(folder: Path, packages: Path) -> Iterator[SystemdMachine]:
    machine = SystemdMachine(folder, packages)
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()


def todays_commit() -> str:
    """What is in the working tree, if it differs from the last commit."""
    made = git("stash", "create")
    return made or git("rev-parse", "HEAD")


def git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()
