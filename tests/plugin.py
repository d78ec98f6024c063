"""The environment of the tests; loaded by `-p`, before pytest-django reads the settings.

`DATABASE_URL`, `REDIS_URL` and `CELERY_BROKER_URL` are honoured; without them the tests bring
their own PostgreSQL and Redis and need no service of the machine.
"""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from dev.local_stack import processes
from dev.local_stack.cluster_folders import PostgresUnavailableError
from dev.local_stack.environment import fill
from dev.local_stack.ports import free_port, listens, share_ports

if TYPE_CHECKING:
    from dev.local_stack.postgres import EmbeddedPostgres

FIXED = {
    "ENVIRONMENT": "development",
    "SECRET_KEY": "test-only-b1J4kQe7Zr0VnXw5yTc2LmHs9GfUd8PaCi6Ko3Ej",
    "SECRET_PEPPERS": "1:6b796e612d746573742d6f6e6c792d7065707065722d303132333435363738394142",
    "SIGNING_KEY_SECRETS": "dGVzdC1vbmx5LXNpZ25pbmcta2V5LXNlY3JldC0wMTI=",
    # Several workers run at once.
    "WORKER_METRICS_PORT": "0",
}
REDIS_START_SECONDS = 30.0
# Names the folder of the run to its workers.
FOLDER = "TEST_RUN_FOLDER"
SERVER: "pytest.StashKey[EmbeddedPostgres]" = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # A worker's is in the one of the run, which is removed however either of them ends.
    folder = Path(tempfile.mkdtemp(prefix="kynaplatform-test-", dir=os.environ.get(FOLDER)))
    os.environ[FOLDER] = str(folder)
    # As root the database runs as nobody, who must get in.
    folder.chmod(0o755)
    early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    # A developer's own .env says nothing to the tests.
    (folder / ".env").touch()
    # Those of the engine are of its source, unless a folder is named.
    os.environ.setdefault("COMPILED_ENGINE", "none")
    os.environ |= FIXED | {"DATA_DIR": str(folder / "data"), "ENV_FILE": str(folder / ".env")}
    fill(os.environ, project=folder)
    if not os.environ.get("DATABASE_URL"):
        # Imported only here: nothing of it is loaded when there is a DATABASE_URL.
        from dev.local_stack.postgres import EmbeddedPostgres

        server = EmbeddedPostgres(folder / "database", throwaway=True, remove_at_end=[folder])
        os.environ["DATABASE_URL"] = server.url
        early_config.stash[SERVER] = server


def pytest_configure() -> None:
    # Under `nohup` or `&` the shell ignores it, and so would each child that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        share_ports(int(worker.removeprefix("gw")), int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Starts the server when tests are about to run: `--help` and `--collect-only` need none."""
    server = session.config.stash.get(SERVER, None)
    if server is None or session.config.option.collectonly:
        return
    session.config.add_cleanup(server.stop)
    try:
        server.start()
    except PostgresUnavailableError as error:
        pytest.exit(str(error), returncode=3)


def skip_without(service: str) -> NoReturn:
    """Skip a test whose service is missing; in CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{service}, and CI=true: a missing service is a failure.", pytrace=False)
    pytest.skip(service)


def installed(*programs: str) -> str:
    """The path of the first of these programs that the machine has; without one, a skip."""
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        skip_without(f"{programs[0]} is not installed")
    return found


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis: REDIS_URL, or a `redis-server` of our own."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    program = shutil.which("redis-server")
    if program is None:
        skip_without("REDIS_URL is unset and no redis-server is installed")
    folder = tmp_path_factory.mktemp("redis")
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)]
    options += ["--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = processes.start([program, *options], env=os.environ, stdout=log)
    try:
        deadline = time.monotonic() + REDIS_START_SECONDS
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"redis-server did not start: {(folder / 'redis.log').read_text()}")
            time.sleep(0.01)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        processes.stop(process, signals=[(signal.SIGTERM, 5)])
