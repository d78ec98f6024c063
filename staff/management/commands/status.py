"""`status`: what runs, what is late and what fails, on one screen.

It asks the processes as Prometheus does, checks what `/readyz` checks, and reads the metrics that
an API process reads from the database. The bounds are those of deploy/alerts.yml.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext, suppress
from datetime import timedelta
from textwrap import fill, indent
from typing import Any, Final, NamedTuple

import yaml
from celery import current_app
from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from django.db.models import Count
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis, RedisError

from common.commands import OperatorCommand
from detection import ENGINE_BUILD
from kynaplatform import __version__, clock
from kynaplatform.metrics.exposition import DATABASE_COLLECTORS
from kynaplatform.metrics.readiness import (
    ASK_SECONDS,
    DOWN,
    FULL,
    MISSING,
    OK,
    UNKNOWN,
    is_ready,
    readiness,
)
from kynaplatform.timing import SWEEP_STANDS
from sessions_app.models import DetectionSession, Outcome, Status
from staff.display import counted, duration
from webhooks.metrics import LATE_AFTER

ANSWER_SECONDS: Final = 5.0
# The states of `/readyz` that are faults.
BAD: Final = (DOWN, FULL, MISSING)
TARGETS: Final = ("deploy/targets.yml", "deploy/targets-local.yml")
# As `KynaDiskFull`.
MIN_FREE_SHARE: Final = 0.1

# By metric: the labels and the value of each sample.
Samples = dict[str, list[tuple[dict[str, str], float]]]
# An object of the answer, as JSON has it.
Fields = dict[str, Any]


def targets_of(path: str | None) -> list[tuple[str, str]]:
    """The job and the address of each process. Raises CommandError for any other file."""
    if path is None and not settings.PRODUCTION:
        ports = {"web": settings.PORT, "realtime": settings.REALTIME_PORT}
        return [(job, f"127.0.0.1:{port}") for job, port in ports.items()]
    if path is None:
        there = [settings.BASE_DIR / one for one in TARGETS if (settings.BASE_DIR / one).exists()]
        if not there:
            raise CommandError("Give --targets: there is no file of them beside the code.")
        path = str(there[0])
    try:
        with nullcontext(sys.stdin) if path == "-" else open(path, encoding="utf-8") as file:
            return [
                (group["labels"]["job"].removeprefix("kynaplatform-"), address)
                for group in yaml.safe_load(file)
                for address in group["targets"]
            ]
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise CommandError(f"--targets: {error!r}") from None


def ask(job: str, address: str) -> tuple[Fields, Samples]:
    """A process and its metrics, as far as it answers: `state` and `disk` say what is wrong."""
    process = {"job": job, "address": address, "state": DOWN}
    process |= dict.fromkeys(("version", "revision", "disk"), "")
    samples: Samples = {}
    try:
        status, body = get(address, "/readyz")
        if status == http.HTTPStatus.NOT_FOUND:  # a worker is ready once it is there
            status, body = get(address, "/healthz")
        process["state"] = OK if status == http.HTTPStatus.OK else unready_words(status, body)
        status, body = get(address, "/metrics")
    except (OSError, http.client.HTTPException) as error:
        # A process that is ready may still have no time for its metrics.
        if process["state"] == DOWN:
            process["state"] = f"{DOWN} ({type(error).__name__})"
        return process, samples
    if status == http.HTTPStatus.OK:
        with suppress(ValueError):  # another program has the port
            samples = samples_of(text_string_to_metric_families(body.decode()))
        free = sum(values_of(samples, "kyna_disk_free_bytes"))
        size = sum(values_of(samples, "kyna_disk_bytes"))
        if free < MIN_FREE_SHARE * size:
            process["disk"] = f"{free / size:.0%} of its disk is free"
        for labels, _ in samples.get("kyna_build_info", ()):
            process |= {name: labels[name] for name in ("version", "revision")}
    return process, samples


def get(address: str, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(address, timeout=ANSWER_SECONDS)) as connection:
        token = f"Bearer {settings.METRICS_TOKEN}"
        connection.request("GET", path, headers={"Authorization": token})
        answer = connection.getresponse()
        return answer.status, answer.read()


def unready_words(status: int, body: bytes) -> str:
    """What `/readyz` says is wrong: `database down`."""
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        states: dict[str, str] = json.loads(body)["error"]["details"]
        wrong = [f"{name} {state}" for name, state in states.items() if state in BAD]
        if wrong:
            return ", ".join(wrong)
    return f"answers {status}"


def samples_of(metrics: Iterable[Metric]) -> Samples:
    samples: Samples = {}
    for metric in metrics:
        for sample in metric.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def values_of(samples: Samples, name: str) -> list[float]:
    return [value for _, value in samples.get(name, ())]


# As `KynaCleaningNotRun`: a task may miss two turns.
MIN_LATE_SECONDS, TURNS = 120.0, 3
FAILED_WITHIN = timedelta(minutes=15)


class Bound(NamedTuple):
    """How late `metric` may be, as in its alert. A moment is late by its age; 0 means never."""

    name: str
    metric: str
    seconds: float
    is_moment: bool = False
    # Nobody backs up what is developed on.
    in_production: bool = False


SWEPT: Final = "kyna_sweep_last_run_timestamp_seconds"
BOUNDS: Final = (
    Bound("last sweep", SWEPT, SWEEP_STANDS.total_seconds(), is_moment=True),
    Bound("sweep", "kyna_sweep_lag_seconds", 120),
    Bound("erasures", "kyna_erasures_pending_seconds", 86_400),
    Bound("export of erasures", "kyna_erasures_unexported_seconds", 600, in_production=True),
    Bound("archived WAL", "kyna_wal_unarchived_seconds", 900),
    Bound("backup", "kyna_backup_last_timestamp_seconds", 93_600, True, in_production=True),
)
# Each worker has the time of beat; each sender has its own.
BEAT: Final = Bound("beat", "kyna_beat_last_sent_timestamp_seconds", 120, is_moment=True)
SENDER: Final = Bound("sender", "kyna_webhook_turn_timestamp_seconds", 60, is_moment=True)
WEBHOOKS_SHARE: Final = 0.5
TASK: Final = "kyna_task_last_run_timestamp_seconds"
TASK_FAILED: Final = "kyna_task_failed_timestamp_seconds"
NO_FAILURES: Final = {"tasks": [], "sessions": {}, "unreadable_sessions": 0, "webhook_endpoints": 0}


class Command(OperatorCommand):
    help = (
        "Say what runs, of which release, what is late and what fails. Exits with 1 unless all is "
        "well. Answers within seconds, also while the database, the broker or Redis is away."
    )
    # A fault of the settings is no reason to say nothing.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--targets",
            help="the processes to ask: a file of targets as Prometheus reads, `-` is the input "
            f"(default: {' or '.join(TARGETS)}; in development PORT and REALTIME_PORT)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        status = status_of(targets_of(options["targets"]))
        if options["json"]:
            self.print_result(status, options)
        else:
            self.stdout.write("\n".join(lines_of(status)))
        if status["problems"]:
            sys.exit(1)


def status_of(targets: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The whole, as JSON values. `problems` is empty where all is well."""
    with ThreadPoolExecutor(max_workers=32) as pool:
        asked = [pool.submit(ask, *target) for target in targets]
        redis = pool.submit(redis_state)
        checks = readiness().states()
        found = [one.result() for one in asked]
        checks["redis"] = redis.result()
    failed_at: dict[str, float] = {}
    for _, samples in found:
        for labels, value in samples.get(TASK_FAILED, ()):
            failed_at[labels["task"]] = max(value, failed_at.get(labels["task"], 0.0))
    late: list[Fields] = []
    failures = NO_FAILURES
    if is_ready(checks):
        try:
            late, failures = read_database(failed_at)
        except (DatabaseError, InterfaceError, KeyError):
            # A collector gives no samples if the database has gone.
            checks["database"] = DOWN
    workers = [samples for process, samples in found if process["job"] != "webhooks"]
    senders = [samples for process, samples in found if process["job"] == "webhooks"]
    if beats := [at for samples in workers for at in values_of(samples, BEAT.metric)]:
        late.append(lateness(BEAT, max(beats)))
    if turns := [at for samples in senders for at in values_of(samples, SENDER.metric)]:
        late.append(lateness(SENDER, min(turns)))
    status = {
        "release": {
            "version": __version__,
            "revision": settings.BUILD_REVISION,
            "engine": ENGINE_BUILD.name,
        },
        "processes": [process for process, _ in found],
        "checks": checks,
        "late": late,
        "failures": failures,
    }
    problems = list(problems_of(status))
    return {"is_well": not problems, "problems": problems, **status}


def redis_state() -> str:
    if not settings.REDIS_URL:
        return "unused"
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), ASK_SECONDS)
    try:
        with Redis.from_url(settings.REDIS_URL, **timeouts) as redis:
            redis.ping()
    except (RedisError, ValueError):
        return DOWN
    return OK


def read_database(failed_at: Mapping[str, float]) -> tuple[list[Fields], Fields]:
    """What is late, and what failed lately.

    `failed_at` is when each task last failed, as the workers say. Raises DatabaseError,
    InterfaceError and KeyError if the database does not answer.
    """
    samples = samples_of(one for collector in DATABASE_COLLECTORS for one in collector.collect())
    late = [
        lateness(bound, max(values_of(samples, bound.metric), default=None))
        for bound in BOUNDS
        if settings.PRODUCTION or not bound.in_production
    ]
    late.append(webhooks_lateness(samples))
    last_runs = {labels["task"]: value for labels, value in samples.get(TASK, ())}
    late += [task_lateness(task, ended_at) for task, ended_at in last_runs.items()]
    return late, {
        "tasks": [
            short_name(task)
            for task, ended_at in last_runs.items()
            if failed_at.get(task, 0.0) > ended_at
        ],
        "sessions": failed_sessions(),
        "unreadable_sessions": int(sum(values_of(samples, "kyna_sessions_unreadable"))),
        # Each is its customer's, and no problem.
        "webhook_endpoints": int(sum(values_of(samples, "kyna_webhook_endpoints_failing"))),
    }


def lateness(bound: Bound, value: float | None) -> Fields:
    """How late a metric is; `seconds` is None where it never happened, or is not known."""
    if value is not None and bound.is_moment:
        value = max(0.0, time.time() - value) if value else None
    return {
        "name": bound.name,
        "seconds": value,
        "limit_seconds": bound.seconds,
        "is_late": value is None or value > bound.seconds,
    }


def webhooks_lateness(samples: Samples) -> Fields:
    """As `KynaWebhooksLate`: one slow receiver has a queue of its own, and is no problem here."""
    [(_, oldest)] = samples["kyna_webhook_oldest_waiting_seconds"]
    number = {labels["state"]: one for labels, one in samples["kyna_webhook_organizations"]}
    share = WEBHOOKS_SHARE * number["active"]
    is_late = number["held_up"] >= max(share, 1) or number["late"] > max(share, 1)
    bound = Bound("webhooks", "", LATE_AFTER.total_seconds())
    return {**lateness(bound, oldest), "is_late": is_late}


def task_lateness(task: str, ended_at: float) -> Fields:
    """On a new platform a task of every minute or more has not had its turn yet."""
    schedules = current_app.conf.beat_schedule.values()
    every = next(one["schedule"] for one in schedules if one["task"] == task)
    bound = Bound(short_name(task), TASK, max(MIN_LATE_SECONDS, TURNS * every), True)
    found = lateness(bound, ended_at)
    if found["seconds"] is None and every >= 60:
        found["is_late"] = False
    return found


def short_name(task: str) -> str:
    return task.rpartition(".")[2]


def failed_sessions() -> dict[str, int]:
    """The sessions that failed within FAILED_WITHIN by a fault of ours: error code → how many."""
    now = clock.now()
    failed = DetectionSession.objects.filter(
        status=Status.FAILED,
        terminal_outcome=Outcome.FAILED,
        # No session lasts a day, and the index of states is by creation.
        created_at__gt=now - timedelta(days=1),
        ended_at__gt=now - FAILED_WITHIN,
    )
    by_code = failed.order_by().values_list("error_code").annotate(Count("id"))
    return {code or "unknown": number for code, number in by_code}


def problems_of(status: Fields) -> Iterator[str]:
    for name, state in status["checks"].items():
        if state not in (OK, UNKNOWN, "unused"):
            yield f"{name}: {state}"
    for process in status["processes"]:
        where = f"{process['job']} at {process['address']}"
        if process["state"] != OK:
            yield f"{where}: {process['state']}"
        if process["disk"]:
            yield f"{where}: {process['disk']}"
    running = [one for one in status["processes"] if one["version"]]
    releases = {(one["version"], one["revision"]) for one in running}
    if len(releases) > 1 or {version for version, _ in releases} - {__version__}:
        yield f"releases differ: {', '.join(sorted(map(release_words, releases)))} run"
    for one in status["late"]:
        if one["is_late"]:
            yield f"{one['name']}: {late_words(one)}, {limit_words(one)}"
    failures = status["failures"]
    for task in failures["tasks"]:
        yield f"{task}: its last run failed"
    if unreadable := failures["unreadable_sessions"]:
        yield f"{counted(unreadable, 'session')} that no process can read"
    for code, number in failures["sessions"].items():
        yield f"{counted(number, 'session')} failed in the last 15 minutes: {code}"


def release_words(release: tuple[str, str]) -> str:
    version, revision = release
    return f"{version} ({revision[:12]})" if revision else version


def late_words(one: Fields) -> str:
    seconds = one["seconds"]
    return "not yet" if seconds is None else duration(timedelta(seconds=seconds))


def limit_words(one: Fields) -> str:
    return f"at most {duration(timedelta(seconds=one['limit_seconds']))}"


def lines_of(status: Mapping[str, Any]) -> Iterator[str]:
    release = status["release"]
    named = release_words((release["version"], release["revision"]))
    yield f"kynaplatform {named}, engine {release['engine']}"
    problems = status["problems"]
    yield f"NOT WELL, {counted(len(problems), 'problem')}:" if problems else "All is well."
    yield from (f"  {problem}" for problem in problems)
    yield "\nProcesses"
    for one in status["processes"]:
        words = release_words((one["version"], one["revision"])) or "release unknown"
        yield f"  {one['job']:<10} {one['address']:<22} {one['state']:<12} {words}"
    yield "Checks"
    checks = ", ".join(f"{name} {state}" for name, state in status["checks"].items())
    yield indent(fill(checks, 96), "  ")
    yield "Late or last run"
    for one in status["late"]:
        mark = "LATE" if one["is_late"] else "ok"
        yield f"  {one['name']:<22} {late_words(one):<14} {mark:<5} {limit_words(one)}"
    if not status["late"]:
        yield "  unknown: the database is not ready"
    yield "Failures"
    failures = status["failures"]
    sessions = ", ".join(f"{code} {number}" for code, number in failures["sessions"].items())
    yield f"  sessions, 15 minutes: {sessions or 'none'}"
    yield f"  sessions that no process can read: {failures['unreadable_sessions']}"
    yield f"  tasks whose last run failed: {', '.join(failures['tasks']) or 'none'}"
    yield f"  webhook endpoints whose every try fails: {failures['webhook_endpoints']}"
