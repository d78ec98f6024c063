"""docs/backup.md, to a moment: its commands as they stand there, on a PostgreSQL of the machine."""

import shutil
from collections.abc import Iterator

import pytest

from kynaplatform.metrics.exposition import STATE
from tests.deploy.own_cluster import Cluster, own_cluster
from tests.documented import commands
from tests.waiting import eventually

SETTINGS, BASE, RESTORE = (
    commands("backup.md", mark) for mark in ("ALTER SYSTEM SET", "pg_basebackup", "recovery.signal")
)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with own_cluster() as cluster:
        cluster.ask("CREATE DATABASE kynaplatform")
        cluster.database = "kynaplatform"
        yield cluster


def organizations(cluster: Cluster) -> list[object]:
    return [name for (name,) in cluster.ask("SELECT name FROM projects_organization ORDER BY 1")]


def webhooks_wait(cluster: Cluster) -> bool:
    return cluster.ask("SELECT paused_at IS NOT NULL FROM webhook_sender") == [(True,)]


@pytest.mark.long
def test_it_goes_back_to_the_moment_before_a_mistake(cluster: Cluster) -> None:
    cluster.manage("migrate", "--no-input")
    cluster.run(SETTINGS)
    cluster.manage("bootstrap_project", "--organization=In the base")
    cluster.manage("resume_webhooks")
    assert not webhooks_wait(cluster)
    cluster.run(BASE)
    cluster.run(BASE)
    assert {path.name for path in (cluster.folder / "backups").iterdir()} == {
        *("base", "base.before", "wal", "postgres.log"),
    }
    cluster.manage("bootstrap_project", "--organization=In the archive")
    cluster.ask("SELECT pg_switch_wal()")
    eventually(
        lambda: (
            cluster.ask("SELECT last_archived_wal IS NOT NULL FROM pg_stat_archiver") == [(True,)]
        ),
        "it is archived",
    )
    cluster.manage("bootstrap_project", "--organization=Not archived yet")
    [(target,)] = cluster.ask("SELECT clock_timestamp()::text")
    cluster.manage("bootstrap_project", "--organization=A mistake")
    kept = ["In the archive", "In the base", "Not archived yet"]
    assert organizations(cluster) == ["A mistake", *kept]

    cluster.run(RESTORE, TARGET=str(target))

    assert organizations(cluster) == kept
    assert webhooks_wait(cluster)
    # It is one to go on with: with its archive, from which another restore starts.
    cluster.manage("migrate", "--no-input")
    cluster.manage("bootstrap_project", "--organization=After it")
    shutil.rmtree(cluster.folder / "data.before")
    cluster.run(BASE)
    cluster.manage("bootstrap_project", "--organization=Since")
    newest = "\n".join(
        line for line in RESTORE.splitlines() if not line.startswith("recovery_target_time")
    )
    cluster.run(newest)
    assert organizations(cluster) == sorted([*kept, "After it", "Since"])


@pytest.mark.long
def test_a_moment_that_no_wal_reaches_is_told_and_the_newest_is_taken(cluster: Cluster) -> None:
    cluster.run(SETTINGS)
    cluster.ask("CREATE TABLE one AS SELECT 1 AS one")
    cluster.run(BASE)
    with pytest.raises(AssertionError):
        cluster.run(RESTORE, TARGET="2999-01-01 00:00:00+00")
    log = (cluster.folder / "backups" / "postgres.log").read_text()
    assert log.count("recovery ended before configured recovery target was reached") == 1
    settings = cluster.folder / "data" / "postgresql.auto.conf"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text(
        "".join(line for line in lines if not line.startswith("recovery_target_time"))
    )
    start = 'pg_ctl start --pgdata="$PGDATA" --log="$BACKUPS/postgres.log"'
    cluster.run(start, PATH=cluster.path)
    eventually(lambda: cluster.ask("SELECT pg_is_in_recovery()") == [(False,)], "it serves")
    assert cluster.ask("SELECT one FROM one") == [(1,)]


def test_an_archive_that_fails_is_told(cluster: Cluster) -> None:
    def unarchived() -> float:
        [(_, _, seconds)] = cluster.ask(STATE)
        return float(str(seconds))

    assert unarchived() == 0
    cluster.run(SETTINGS)
    cluster.ask("SELECT pg_switch_wal()")
    archived = "SELECT last_archived_time IS NOT NULL FROM pg_stat_archiver"
    eventually(lambda: cluster.ask(archived) == [(True,)], "it is archived")
    [(since,)] = cluster.ask("SELECT last_archived_time::text FROM pg_stat_archiver")
    (cluster.folder / "backups" / "wal").rename(cluster.folder / "backups" / "away")
    cluster.ask("CREATE TABLE one_more AS SELECT 1 AS one")
    cluster.ask("SELECT pg_switch_wal()")
    eventually(
        lambda: cluster.ask("SELECT failed_count > 0 FROM pg_stat_archiver") == [(True,)],
        "it has failed",
    )
    assert cluster.ask("SELECT last_archived_time::text FROM pg_stat_archiver") == [(since,)]
    [(at_least,)] = cluster.ask(
        "SELECT EXTRACT(epoch FROM clock_timestamp() - last_archived_time) FROM pg_stat_archiver"
    )
    assert unarchived() >= float(str(at_least)) > 0
