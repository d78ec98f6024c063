"""Measure the admin's pages of sessions over a table of millions.

    python bench/admin.py [--sessions 5000000] [--days 90] [--times 15] [--throwaway] [--json]

It makes that many sessions, spread evenly over the days, of 200 projects, the largest with two
fifths of them: nearly all completed, one of 11 cancelled, one of 997 failed, 6,050 live of which
200 are overdue, one of 7 of the ended in replay mode, of which none failed. Then it asks each
page, through the whole of Django but no network, and prints how many statements it took, the
median and the longest of its times, and the first one, which plans and reads cold.

    page        statements  median ms  longest ms  first ms

The server of DATABASE_URL is used, in a database made for the run and dropped at its end; with
DATABASE_URL unset, an embedded one in a temporary folder. `--throwaway` starts the embedded one
without fsync. Five million sessions take some four minutes to make, and 3 GB meanwhile.
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from scene import Scene, scene_for_run

if TYPE_CHECKING:
    from django.test import Client

MOST_SESSIONS, MOST_TIMES = 10_000_000, 200
PROJECTS = 200
LIST = "/admin/sessions_app/detectionsession/"
# n counts back from the newest.
SESSIONS = """
INSERT INTO detection_session (
    id, project_id, resolved_version_id, mode, contract_major, status, terminal_outcome,
    accepted_frames_total, created_at, started_at, ended_at, deadline_at, longest_until,
    checkpoint_number, signing_key_id, runtime_token_expires_at, stream_url
)
SELECT gen_random_uuid(),
       (SELECT array_agg(id ORDER BY created_at) FROM projects_project)
           [CASE WHEN n %% 5 < 2 THEN 1 ELSE 1 + n %% %(projects)s END],
       (SELECT id FROM movespecs_movespecversion LIMIT 1),
       CASE WHEN n %% 7 = 3 AND NOT is_live AND status <> 'failed' THEN 'replay' ELSE 'live' END,
       1, status,
       CASE WHEN NOT is_live THEN status END,
       n %% 3000, at,
       CASE WHEN status <> 'created' THEN at + interval '1 second' END,
       CASE WHEN NOT is_live THEN at + interval '1 minute' END,
       CASE WHEN n BETWEEN 1001 AND 1200 THEN now() - n * interval '1 millisecond'
            WHEN is_live THEN now() + interval '1 day' END,
       CASE WHEN status <> 'created' THEN at + interval '1 hour' END,
       0, gen_random_uuid(), now(), 'ws://127.0.0.1:8001/api/detection/stream/' || n
FROM (
    SELECT n, n <= 6050 AS is_live,
           now() - n * (interval '1 day' * %(days)s / %(sessions)s) AS at,
           CASE WHEN n <= 1000 THEN 'created' WHEN n <= 6000 THEN 'streaming'
                WHEN n <= 6050 THEN 'finalizing' WHEN n %% 997 = 0 THEN 'failed'
                WHEN n %% 11 = 0 THEN 'cancelled' ELSE 'completed' END AS status
    FROM generate_series(1, %(sessions)s) AS n
) AS made
"""


@dataclasses.dataclass(frozen=True)
class Figure:
    page: str
    statements: int
    median_ms: float
    longest_ms: float
    first_ms: float


def main() -> None:
    options = read_options()
    with scene_for_run(options.throwaway) as (_folder, scene):
        make_sessions(scene, options)
        for figure in measure(scene, options):
            show(figure, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=5_000_000, help="(default 5000000)")
    parser.add_argument("--days", type=int, default=90, help="that they spread over (default 90)")
    parser.add_argument("--times", type=int, default=15, help="to ask each page (default 15)")
    parser.add_argument("--throwaway", action="store_true", help="embedded database without fsync")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    in_bounds = (
        10_000 <= options.sessions <= MOST_SESSIONS
        and 0 < options.days <= 3650
        and 1 < options.times <= MOST_TIMES
    )
    if not in_bounds:
        parser.error(f"10000 to {MOST_SESSIONS} sessions, 1 to 3650 days, 2 to {MOST_TIMES} times")
    return options


def make_sessions(scene: Scene, options: argparse.Namespace) -> None:
    from django.db import connection

    from projects.models import Project

    largest = Project.objects.get(id=scene.project_id)
    Project.objects.bulk_create(
        Project(
            organization_id=largest.organization_id,
            name=f"Project {number}",
            created_at=largest.created_at + timedelta(seconds=number),
        )
        for number in range(1, PROJECTS)
    )
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            SESSIONS,
            {"projects": PROJECTS, "days": options.days, "sessions": options.sessions},
        )
        cursor.execute("VACUUM ANALYZE")


def pages(scene: Scene, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What is asked, and its address."""
    from django.utils import timezone

    from kynaplatform.api.keyset import Place
    from projects.models import Project
    from sessions_app.models import DetectionSession, Status

    now = timezone.now()
    failed = DetectionSession.objects.filter(status=Status.FAILED, mode="live").latest("created_at")
    small = Project.objects.exclude(id=scene.project_id).latest("created_at")
    today, long_ago = now.date(), (now - timedelta(days=options.days * 0.8)).date()
    deep = Place("older", now - timedelta(days=options.days * 0.9), failed.id)
    whole: dict[str, object] = {"project__id__exact": scene.project_id}
    customer: dict[str, object] = {"organization": small.organization_id}
    yield "index", "/admin/"
    asked: dict[str, dict[str, object]] = {
        "all": {},
        **{f"status {status}": {"status__exact": status} for status in Status.values},
        "mode replay": {"mode__exact": "replay"},
        "status live": {"status__exact": "live"},
        "none: failed replay": {"status__exact": "failed", "mode__exact": "replay"},
        "today": {"day": today},
        "last 7 days": {"day": f"{today - timedelta(days=6)}..{today}"},
        "failed, a day long ago": {"status__exact": "failed", "day": long_ago},
        "largest project": whole,
        "largest project, failed": {**whole, "status__exact": "failed"},
        "largest project, streaming": {**whole, "status__exact": "streaming"},
        "largest project, none": {**whole, "status__exact": "failed", "mode__exact": "replay"},
        "largest project, all filters": {
            **whole, "status__exact": "cancelled", "mode__exact": "live", "day": long_ago,
        },
        "organization of 200": customer,
        "organization of 200, live": {**customer, "status__exact": "live"},
        "organization of 200, failed": {**customer, "status__exact": "failed"},
        "organization of 200, replay": {**customer, "mode__exact": "replay"},
        "organization of 200, none": {
            **customer, "status__exact": "failed", "mode__exact": "replay",
        },
        "organization of 200, a day long ago": {**customer, "day": long_ago},
        "small project": {"project__id__exact": small.id},
        "small project, failed": {"project__id__exact": small.id, "status__exact": "failed"},
        "search: session": {"q": failed.id},
        "search: short id": {"q": str(failed.id)[:8]},
        "search: project": {"q": scene.project_id},
        "search: version": {"q": failed.resolved_version_id},
        "search: nothing": {"q": "squat"},
        "deep, older": {"p": deep},
        "deep, newer": {"p": deep._replace(towards="newer")},
        "deep, failed": {"p": deep, "status__exact": "failed"},
        "deep, largest project": {"p": deep, **whole},
        "deep, organization of 200": {"p": deep, **customer},
    }  # fmt: skip
    for name, parameters in asked.items():
        texts = {key: str(value) for key, value in parameters.items()}
        yield name, f"{LIST}?{urlencode(texts)}"
    yield "one customer", f"/admin/projects/organization/{small.organization_id}/change/"
    yield "one project", f"/admin/projects/project/{scene.project_id}/change/"
    yield "CSV, its first lines", f"{LIST}csv/"
    yield "CSV of an organization, its first lines", f"{LIST}csv/?{urlencode(customer)}"
    yield "organizations", "/admin/projects/organization/"
    yield "projects", "/admin/projects/project/"
    yield "one session", f"{LIST}{failed.id}/change/"


def asked(client: "Client", address: str) -> Any:
    """The answer, of which the first lines have been read if it comes as it is made."""
    answer: Any = client.get(address)
    if answer.streaming:
        next(iter(answer.streaming_content))
    return answer


def measure(scene: Scene, options: argparse.Namespace) -> Iterator[Figure]:
    from django.contrib.auth.models import User

    user = User.objects.create_superuser("bench")
    yield from ask(user, pages(scene, options), options.times)


def ask(user: Any, named: Iterable[tuple[str, str]], number: int) -> Iterator[Figure]:
    """Each page, told by its name and address, that many times."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client()
    client.force_login(user)
    for name, address in named:
        times = []
        for _ in range(number):
            started = time.perf_counter()
            answer = asked(client, address)
            times.append((time.perf_counter() - started) * 1e3)
            if answer.status_code != 200:
                raise SystemExit(f"{name}: {address} answers {answer.status_code}")
        with CaptureQueriesContext(connection) as statements:
            asked(client, address)
        yield Figure(
            page=name,
            statements=len(statements),
            median_ms=round(statistics.median(times[1:]), 1),
            longest_ms=round(max(times[1:]), 1),
            first_ms=round(times[0], 1),
        )


def show(figure: Figure, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(dataclasses.asdict(figure)), flush=True)  # noqa: T201
        return
    print(  # noqa: T201
        f"{figure.page:30}{figure.statements:3} statements  median {figure.median_ms:7.1f} ms"
        f"  longest {figure.longest_ms:7.1f} ms  first {figure.first_ms:7.1f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
