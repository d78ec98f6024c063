"""docs/capacity.md's PgBouncer, as it stands there, before the tests' database."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from database_proxy import DatabaseProxy
from django.db import connection

from dev.local_stack import processes
from dev.local_stack.cluster_folders import server_user
from dev.local_stack.ports import free_port, listens
from tests.documented import commands
from tests.open_folder import open_folder
from tests.plugin import skip_without
from tests.waiting import eventually

POOL_SIZE = 2


@contextmanager
def pgbouncer(database: DatabaseProxy, passwords: Mapping[str, str]) -> Iterator[str]:
    """Where it listens; it lets in these roles by their passwords."""
    program = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin")
    if program is None:
        skip_without("pgbouncer is not installed")
        return
    name, port = connection.settings_dict["NAME"], free_port()
    with open_folder() as folder:
        written = commands("capacity.md", "pool_mode")
        for documented, own in {
            "kynaplatform = host=10.0.0.5 port=5432": (
                f"{name} = host=127.0.0.1 port={urlsplit(database.url).port}"
            ),
            "6432": str(port),
            "/etc/pgbouncer/userlist.txt": f"{folder}/userlist.txt",
            # So few that clients have each other's.
            "default_pool_size = 20": f"default_pool_size = {POOL_SIZE}",
            "[pgbouncer]": "[pgbouncer]\nunix_socket_dir =\nserver_tls_sslmode = disable",
        }.items():
            assert documented in written, documented
            written = written.replace(documented, own)
        (folder / "pgbouncer.ini").write_text(written)
        (folder / "userlist.txt").write_text(
            "".join(f'"{role}" "{password}"\n' for role, password in passwords.items())
        )
        log = folder / "pgbouncer.log"
        process = processes.start(
            [program, folder / "pgbouncer.ini"],
            env={},
            stdout=log.open("wb"),
            user=server_user(folder),
        )
        try:
            eventually(lambda: listens(port), log.read_text)
            yield f"127.0.0.1:{port}/{name}"
        finally:
            processes.stop(process, signals=[(signal.SIGINT, 5)])
