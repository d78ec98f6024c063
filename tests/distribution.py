"""The order of the tests, and which worker runs what; loaded by `-p`."""

from fnmatch import fnmatch
from functools import cache
from itertools import groupby
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Files that start servers, browsers or programs of the machine.
WITH_PROCESSES = (
    *("browser/*", "client/*", "concurrency/*", "deploy/*", "local_stack/*", "realtime/*"),
    *("web/*", "workers/*", "*_over_real_http.py", "replay/test_stream.py"),
    *(
        "api/test_fair_shares.py",
        "api/test_first_hour.py",
        "api/test_health.py",
        "api/test_hostile_requests.py",
    ),
    *("api/test_page_sizes.py", "api/test_redis_away.py", "api/test_server_metrics.py"),
    *("api/test_rate_limits.py", "openapi/test_generated_client.py"),
    *("openapi/test_schemathesis.py", "reference/test_examples.py"),
    *("sessions_app/test_migrations.py",),
    *("tryout/test_trace_angles.py", "tryout/test_try_project.py"),
    "erasure/test_after_a_restore.py",
    *("webhooks/test_sender_process.py", "webhooks/test_webhook_docs.py"),
)
# Those of them that kill, freeze or crowd what they start, or show a film: by few workers.
LAST = (
    *("concurrency/test_kill_*", "deploy/test_nginx_frozen_runtime.py", "realtime/test_kill*"),
    *("deploy/test_nginx_watchdog.py", "realtime/test_watchdog.py"),
    *("deploy/test_production_set.py", "realtime/test_frozen_runtime.py"),
    *("realtime/test_database_restart.py", "realtime/test_leases.py"),
    *("browser/test_try_camera.py", "web/*"),
)

COMPUTES, STARTS_PROCESSES, IS_LAST = range(3)
WORKERS_AT_LAST = 2


@cache
def turn_of(nodeid: str) -> int:
    """When a test runs: those that compute, then those with processes, then the last."""
    file = nodeid.partition("::")[0]
    if any(fnmatch(file, f"tests/{pattern}") for pattern in LAST):
        return IS_LAST
    return int(any(fnmatch(file, f"tests/{pattern}") for pattern in WITH_PROCESSES))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "FilesInOrder":
    return FilesInOrder(config, log)


class FilesInOrder(LoadScopeScheduling):
    """Tests of a file that follow each other stay together, and begin in the order of collection.

    So every worker keeps Django's order within a turn, in which tests that commit come after those
    that roll back: what the former leave behind (statistics, dead rows) changes plans that the
    latter hold.

    A turn begins when the workers have done all of the turn before, but for one test each: xdist
    runs a test only once it knows the next. The last turn has two workers, and the others end.
    """

    def schedule(self) -> None:
        if self.collection is None and self.collection_is_completed:
            collected = next(iter(self.registered_collections.values()))
            files = groupby(collected, key=lambda nodeid: nodeid.partition("::")[0])
            self._scopes = {
                nodeid: f"{file}::{number}"
                for number, (file, nodeids) in enumerate(files)
                for nodeid in nodeids
            }
        super().schedule()

    def mark_test_complete(
        self, node: WorkerController, item_index: int, duration: float = 0
    ) -> None:
        super().mark_test_complete(node, item_index, duration)
        # Others may have waited for this one.
        self.schedule()

    def remove_node(self, node: WorkerController) -> str | None:
        crashed = super().remove_node(node)
        if self.collection is not None:
            self.schedule()
        return crashed

    def _assign_work_unit(self, node: WorkerController) -> None:
        # One that takes the place of a worker that died, and has not yet collected.
        if node not in self.registered_collections:
            return
        turn = turn_of(next(iter(self.workqueue)))
        if any(self._before(turn, worker) > 1 for worker in self.nodes):
            return
        if turn == IS_LAST and node in self.nodes[WORKERS_AT_LAST:]:
            if not node.shutting_down:
                node.shutdown()
            return
        super()._assign_work_unit(node)

    def _before(self, turn: int, node: WorkerController) -> int:
        """How many tests of the turns before a worker has still to do."""
        units = self.assigned_work[node].items()
        pending: int = self._pending_of(
            {scope: unit for scope, unit in units if turn_of(scope) < turn}
        )
        return pending

    def _split_scope(self, nodeid: str) -> str:
        return self._scopes[nodeid]
