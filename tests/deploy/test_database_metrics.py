"""The metrics of the database, the disk, the backup and the last runs: from a real PostgreSQL."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from kynaplatform import clock
from kynaplatform.metrics.exposition import (
    STATE,
    database_metrics,
    exposition,
    process_exposition,
)
from sessions_app.metrics import job_run_record, session_metrics
from sessions_app.models import LastRun
from sessions_app.session_sweep import sweep
from sessions_app.tasks import prune_expired
from tests.deploy.own_database import own_database
from tests.documented import run
from tryout.tasks import prune_tries

pytestmark = pytest.mark.django_db(transaction=True)

SLOT = "of_a_replica_that_is_away"
RUNS = "kyna_task_last_run_timestamp_seconds"
SWEEP = "kyna_sweep_last_run_timestamp_seconds"
BACKUP = "kyna_backup_last_timestamp_seconds"


def told(metrics: Callable[[], Iterator[Metric]]) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in metrics()
        for sample in family.samples
    }


@pytest.fixture
def slot(transactional_db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_create_physical_replication_slot(%s, true)", [SLOT])
        yield
        cursor.execute("SELECT pg_drop_replication_slot(%s)", [SLOT])


def test_a_slot_that_nobody_reads_keeps_wal(slot: None) -> None:
    before = told(database_metrics)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()), pg_current_wal_lsn()::text")
        size, lsn = cursor.fetchone()
        cursor.execute("CREATE TABLE kept AS SELECT generate_series(1, 10000) AS number")
        # The tests' server writes what is committed a moment later.
        cursor.execute("SELECT pg_switch_wal()")
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", [lsn])
        [written] = cursor.fetchone()
        after = told(database_metrics)
        cursor.execute("DROP TABLE kept")
    assert before[("kyna_database_bytes",)] == size
    kept = [one[("kyna_wal_retained_bytes",)] for one in (before, after)]
    assert kept[1] - kept[0] >= written > 300_000
    assert after[("kyna_wal_unarchived_seconds",)] == 0


def test_without_slots_nothing_is_kept() -> None:
    assert told(database_metrics)[("kyna_wal_retained_bytes",)] == 0


def test_each_role_may_read_them(tmp_path: Any) -> None:
    """That of the API, and so all others: they have no right that it lacks."""
    with own_database() as url:
        environment = {"DATABASE_URL": url}
        run(".venv/bin/python manage.py migrate --no-input", tmp_path, environment)
        run(
            f".venv/bin/python manage.py create_database_roles --json > {tmp_path}/roles",
            tmp_path,
            environment,
        )
        roles = json.loads((tmp_path / "roles").read_text())
        assert sorted(roles) == ["api", "runtime", "web", "worker"]
        for role in roles.values():
            with psycopg.connect(role) as database:
                row = database.execute(STATE).fetchone()
                assert row is not None
                assert row[0] > 1_000_000
                assert row[1:] == (0, 0)


def test_each_task_and_the_sweep_write_that_they_have_ended_well() -> None:
    before = clock.now()
    for task in (prune_expired, prune_tries):
        assert task() == 0
        assert before.timestamp() <= told(session_metrics)[RUNS, task.name]
    for _ in range(2):
        sweep(now=clock.now())
        assert before.timestamp() <= told(session_metrics)[SWEEP,]
        assert LastRun.objects.count() == 3


def test_one_that_fails_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - timedelta(hours=4)
    job_run_record(name=prune_expired.name, now=long_ago)

    def fail(**_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("sessions_app.tasks.prune_signing_keys", fail)
    with pytest.raises(ZeroDivisionError):
        prune_expired()
    assert told(session_metrics)[RUNS, prune_expired.name] == long_ago.timestamp()


def test_a_backup_is_recorded_and_told_of(signing_key: None) -> None:
    out = io.StringIO()
    call_command("record_backup", "--json", stdout=out)
    recorded = json.loads(out.getvalue())
    [row] = LastRun.objects.all()
    assert recorded == {"backup_at": row.ended_at.isoformat()}
    assert told(session_metrics)[(BACKUP,)] == row.ended_at.timestamp()
    text = exposition().decode()
    for name in (BACKUP, RUNS, "kyna_wal_retained_bytes", "kyna_disk_free_bytes"):
        assert f"\n{name}" in text


def test_a_file_that_is_begun_keeps_nobody_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while another process starts, or for good where it was killed just then."""
    counts = MmapedDict(str(tmp_path / "counter_1.db"))
    counts.write_value(mmap_key("kyna_x", "kyna_x_total", [], [], "Some."), 3, 0)
    (tmp_path / "counter_2.db").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert "\nkyna_x_total 3.0\n" in process_exposition().decode()
