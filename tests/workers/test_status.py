"""`status` says on one screen what runs, what is late and what fails, whatever is away."""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.management import CommandError

from dev.local_stack.environment import PROJECT
from dev.local_stack.ports import free_port
from erasure.models import Erasure
from kynaplatform import __version__, clock
from movespecs.models import MoveSpec
from sessions_app.metrics import BACKUP, SWEEP, job_run_record
from staff.management.commands.status import (
    BEAT,
    BOUNDS,
    MIN_FREE_SHARE,
    NO_FAILURES,
    SENDER,
    WEBHOOKS_SHARE,
    problems_of,
    read_database,
    targets_of,
    task_lateness,
)
from tests.admin.session_rows import make_session
from tests.conftest import Machine
from tests.erasure.people import ask_to_erase
from tests.webhooks.endpoint import make_delivery, make_endpoint

WELL = {"database": "ok", "migrations": "ok", "broker": "ok", "redis": "ok"}


def late_now() -> dict[str, bool]:
    return {one["name"]: one["is_late"] for one in read_database({})[0]}


def problems(late: Any = (), failures: Any = NO_FAILURES, **more: Any) -> list[str]:
    status = {"processes": [], "checks": WELL, "late": late, "failures": failures, **more}
    return list(problems_of(status))


def process(job: str, address: str, state: str, version: str = "", revision: str = "") -> Any:
    of_release = {"version": version, "revision": revision}
    return {"job": job, "address": address, "state": state, "disk": "", **of_release}


def run_all(ago: timedelta = timedelta(0)) -> None:
    now = clock.now()
    for entry in current_app.conf.beat_schedule.values():
        job_run_record(name=entry["task"], now=now - ago)
    for name in (SWEEP, BACKUP):
        job_run_record(name=name, now=now - ago)


def test_its_bounds_are_those_of_the_alerts() -> None:
    rules = (PROJECT / "deploy" / "alerts.yml").read_text()
    for bound in (*BOUNDS, BEAT):
        begins = "time() - " if bound.is_moment else ""
        assert f"{begins}max({bound.metric}) > {bound.seconds:.0f}" in rules, bound
    flat = " ".join(rules.split())
    assert f"kyna_disk_free_bytes / kyna_disk_bytes < {MIN_FREE_SHARE}\n" in rules
    organizations = "max(kyna_webhook_organizations{state="
    assert (
        f'{organizations}"held_up"}}) / {organizations}"active"}}) >= {WEBHOOKS_SHARE} or '
        f'{organizations}"late"}}) / {organizations}"active"}}) > {WEBHOOKS_SHARE} '
        f'and {organizations}"late"}}) > 1'
    ) in flat
    sender = f'time() - max_over_time( {SENDER.metric}{{job="kynaplatform-webhooks"}}[5m] )'
    assert f"{sender} > {SENDER.seconds}" in flat
    name = "sessions_app.tasks.prune_expired"
    assert f'{{task="{name}"}} ) > 10800' in flat
    assert task_lateness(name, 0.0)["limit_seconds"] == 10_800


@pytest.mark.django_db
def test_nothing_is_late_where_all_has_run(owner: Machine, settings: Any) -> None:
    run_all()
    settings.PRODUCTION = True
    late, failures = read_database({})
    assert {one["name"] for one in late} == {
        "sweep", "last sweep", "webhooks", "erasures", "export of erasures", "archived WAL",
        "backup", "roll_up_usage", "prune_expired", "make_event_partitions",
        "apply_retention", "prune_deliveries", "erase", "prune_tries",
    }  # fmt: skip
    assert problems(late, failures) == []
    # Nobody backs up what is developed on.
    settings.PRODUCTION = False
    assert "backup" not in late_now()


@pytest.mark.django_db
def test_what_is_late_is_named(
    owner: Machine, outsider: Machine, movespec: MoveSpec, settings: Any
) -> None:
    settings.PRODUCTION = True
    run_all(ago=timedelta(days=2))
    now = clock.now()
    make_session(movespec, "created", deadline_at=now - timedelta(minutes=3))
    for machine in (owner, outsider):
        make_delivery(make_endpoint(machine.project), due_at=now - timedelta(minutes=2))
    ask_to_erase(owner.project)
    Erasure.objects.update(requested_at=now - timedelta(days=3))
    assert {name for name, is_late in late_now().items() if not is_late} == {"archived WAL"}
    assert {
        "sweep: 3 min, at most 2 min",
        "webhooks: 2 min, at most 1 min",
        "backup: 2 d, at most 1 d 2 h",
        "last sweep: 2 d, at most 30 s",
    } <= set(problems(*read_database({})))


@pytest.mark.django_db
def test_a_task_whose_last_run_failed_is_a_problem_until_one_ends_well() -> None:
    run_all()
    task, failed_at = "sessions_app.tasks.prune_expired", clock.now().timestamp()
    late, failures = read_database({task: failed_at})
    assert failures == {**NO_FAILURES, "tasks": ["prune_expired"]}
    assert problems(late, failures) == ["prune_expired: its last run failed"]
    job_run_record(name=task, now=clock.now())
    assert read_database({task: failed_at})[1] == NO_FAILURES


def test_a_check_or_a_process_that_is_not_well_is_a_problem() -> None:
    one = process("realtime", "a:1", "ok", __version__, "1234567890abcdef")
    assert problems(processes=[one, one], checks={**WELL, "redis": "unused"}) == []
    checks = {**WELL, "broker": "down", "static_files": "missing", "peppers": "unknown"}
    older = process("worker", "b:2", "ok", "0.0.1")
    away = process("web", "c:3", "down (ConnectionRefusedError)")
    assert problems(processes=[one, older, away], checks=checks) == [
        "broker: down",
        "static_files: missing",
        "web at c:3: down (ConnectionRefusedError)",
        f"releases differ: 0.0.1, {__version__} (1234567890ab) run",
    ]


def test_targets_are_those_of_prometheus(settings: Any, tmp_path: Path) -> None:
    settings.PORT, settings.REALTIME_PORT = 8000, 8001
    assert targets_of(None) == [("web", "127.0.0.1:8000"), ("realtime", "127.0.0.1:8001")]
    settings.PRODUCTION = True
    local = targets_of(None)
    assert local == targets_of(str(PROJECT / "deploy" / "targets-local.yml"))
    assert ("webhooks", "127.0.0.1:8012") in local
    assert len(local) == 8
    for text in ("[", "- 1", "- {targets: [x]}", "- {labels: 1, targets: [x]}", "{", ""):
        (tmp_path / "targets.yml").write_text(text)
        with pytest.raises(CommandError, match="--targets: "):
            targets_of(str(tmp_path / "targets.yml"))


@pytest.mark.parametrize(
    ("more", "is_silent"), [(["--json"], False), ([], False), (["--json"], True)]
)
def test_it_answers_where_everything_is_away(more: list[str], is_silent: bool) -> None:
    with ExitStack() as held:
        nowhere = [free_port() for _ in range(5)]
        if is_silent:  # it accepts, and says nothing
            for port in nowhere:
                held.enter_context(socket.create_server(("127.0.0.1", port)))
        answers(more, nowhere, "TimeoutError" if is_silent else "ConnectionRefusedError")


def answers(more: list[str], nowhere: list[int], error: str) -> None:
    variables = {
        **os.environ,
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{nowhere[0]}/none",
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{nowhere[1]}/0",
        "REDIS_URL": f"redis://127.0.0.1:{nowhere[2]}/0",
        "PORT": str(nowhere[3]),
        "REALTIME_PORT": str(nowhere[4]),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "status", *more],
        cwd=PROJECT, env=variables, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    problems = [
        "database: down",
        "broker: down",
        "redis: down",
        f"web at 127.0.0.1:{nowhere[3]}: down ({error})",
        f"realtime at 127.0.0.1:{nowhere[4]}: down ({error})",
    ]
    if more:
        told = json.loads(done.stdout)
        assert (told["is_well"], told["problems"]) == (False, problems)
        assert told["release"]["version"] == __version__
        assert (told["late"], told["checks"]["migrations"]) == ([], "unknown")
    else:
        lines = done.stdout.splitlines()
        assert lines[1:7] == ["NOT WELL, 5 problems:", *(f"  {one}" for one in problems)]
        assert "  unknown: the database is not ready" in lines
