"""The admin's pages over millions of sessions and thousands of customers: how long each takes.

    python -m dev.bench.admin [--sessions 5000000] [--days 90] [--customers 2000] [--times 15]
                          [--throwaway]

It makes that many sessions, spread evenly over the days, of 200 projects of one customer, the
largest with two fifths of them: nearly all completed, one of 11 cancelled, one of 997 failed, 6,050
live of which 200 are overdue, one of 7 of the ended in replay mode, of which none failed. Each is
of one of 100,000 subjects, but one of 1,000 of the same, and has two texts of metadata: one that
1,000 have, one that half have. Each of the other customers has 5 projects, 15 keys, 100 MoveSpecs
with a draft and a version each, and 500 entries of the log. Then it asks each page, the box on
every page, the search of the log, the API's list of a subject and its summary, through the whole of
Django but no network. It prints how many statements a page took, the median and the longest of its
times, and the first one, which plans and reads cold.

The server of DATABASE_URL is used, in a database made for the run and dropped at its end; with
DATABASE_URL unset, an embedded one in a temporary folder. `--throwaway` starts the embedded one
without fsync. Five million sessions take some seven minutes to make, and 5 GB meanwhile.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dev.bench.admin_rows import fill
from dev.bench.command import read_options, show
from dev.bench.scene import Scene, scene_for_run

if TYPE_CHECKING:
    from django.test import Client

LIST = "/admin/sessions_app/detectionsession/"
API, SUMMARY = "/api/detection/sessions", "/api/subjects/summary"
BOX, LOG = "/admin/find/typed/", "/admin/admin/logentry/"


def main() -> None:
    options = read_options(__doc__, sessions=5_000_000, days=90, customers=2_000, times=15)
    with scene_for_run(options.throwaway) as (_folder, scene):
        from django.contrib.auth.models import User

        user = User.objects.create_superuser("bench")
        fill(scene, options)
        measure(user, scene, options)


def pages(scene: Scene, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """The pages: what each shows, and its address."""
    from django.utils import timezone

    from kynaplatform.api.keyset import Place
    from projects.models import Project
    from sessions_app.models import DetectionSession, Status

    now = timezone.now()
    failed = DetectionSession.objects.filter(status=Status.FAILED, mode="live").latest("created_at")
    largest = Project.objects.get(id=scene.project_id)
    small = Project.objects.filter(organization=largest.organization_id).latest("created_at")
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
        "search: subject": {"q": "subject:p_1"},
        "search: subject of 5,000": {"q": "p_often"},
        "search: metadata": {"q": "metadata:ward 1"},
        "search: metadata of half": {"q": "metadata:north"},
        "search: metadata of none": {"q": "metadata:nowhere"},
        "deep, older": {"p": deep},
        "deep, newer": {"p": deep._replace(towards="newer")},
        "deep, failed": {"p": deep, "status__exact": "failed"},
        "deep, largest project": {"p": deep, **whole},
        "deep, organization of 200": {"p": deep, **customer},
    }  # fmt: skip
    for name, parameters in asked.items():
        texts = {key: str(value) for key, value in parameters.items()}
        yield name, f"{LIST}?{urlencode(texts)}"
    for subject in ("p_1", "p_often", "p_none"):
        yield f"API: subject {subject}", f"{API}?{urlencode({'subject': subject})}"
        asked_of = {"subject": subject, "from": today - timedelta(days=options.days)}
        yield f"API: summary of {subject}", f"{SUMMARY}?{urlencode(asked_of)}"
    yield "one customer", f"/admin/projects/organization/{small.organization_id}/change/"
    yield "one project", f"/admin/projects/project/{scene.project_id}/change/"
    key, version = largest.credentials.latest("created_at").pk, failed.resolved_version
    narrow: dict[str, dict[str, object]] = {
        "a MoveSpec's": {"movespec": version.movespec_id},
        "a MoveSpec's, failed": {"movespec": version.movespec_id, "status__exact": "failed"},
        "a MoveSpec's, live": {"movespec": version.movespec_id, "status__exact": "live"},
        "a key's": {"key": key},
        "a key's, failed": {"key": key, "status__exact": "failed"},
        "a key's, live": {"key": key, "status__exact": "live"},
    }
    for name, parameters in narrow.items():
        texts = {field: str(value) for field, value in parameters.items()}
        yield f"sessions: {name}", f"{LIST}?{urlencode(texts)}"
    yield "one MoveSpec", f"/admin/movespecs/movespec/{version.movespec_id}/change/"
    yield "one version", f"/admin/movespecs/movespecversion/{version.pk}/change/"
    yield "one key", f"/admin/projects/apikey/{key}/change/"
    for model in ("movespecs/movespec", "movespecs/movespecversion", "projects/apikey",
                  "projects/accesstoken", "movespecs/release"):  # fmt: skip
        yield f"list: {model}", f"/admin/{model}/"
        yield f"list: {model}, searched", f"/admin/{model}/?q=squat"
    picker = {"term": "squat", "app_label": "movespecs", "model_name": "movespecversion",
              "field_name": "movespec"}  # fmt: skip
    yield "picker of MoveSpecs", f"/admin/autocomplete/?{urlencode(picker)}"
    yield "CSV, its first lines", f"{LIST}csv/"
    yield "CSV of an organization, its first lines", f"{LIST}csv/?{urlencode(customer)}"
    yield "organizations", "/admin/projects/organization/"
    yield "projects", "/admin/projects/project/"
    yield "one session", f"{LIST}{failed.id}/change/"


def searches(scene: Scene) -> Iterator[tuple[str, str]]:
    """The box and the search of the log: what is typed, and its address."""
    from projects.models import Organization
    from sessions_app.models import DetectionSession

    session = DetectionSession.objects.latest("created_at").pk
    customer = Organization.objects.latest("name")
    texts = {
        "name, 4 characters": "acme",
        "customer and project": "acme ios",
        "one customer": customer.name,
        "MoveSpec": "squat",
        "in most names": "a",
        "nothing": "zzzz",
        "short id of a session": str(session)[:8],
        "id of a session": session,
        "id of a customer": customer.pk,
        "id of a project": scene.project_id,
    }
    yield "log", LOG
    for name, text in texts.items():
        for place, address in (("box", BOX), ("log", LOG)):
            yield f"{place}: {name}", f"{address}?{urlencode({'q': text})}"
    yield "log: who", f"{LOG}?q=bench"


def answer_of(client: "Client", address: str) -> Any:
    """The answer, of which the first lines have been read if it comes as it is made."""
    answer: Any = client.get(address)
    if answer.streaming:
        next(iter(answer.streaming_content))
    return answer


def measure(user: Any, scene: Scene, options: argparse.Namespace) -> None:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client(headers={"authorization": f"Bearer {scene.token}"})
    client.force_login(user)
    for name, address in (*pages(scene, options), *searches(scene)):
        milliseconds = []
        for _ in range(options.times):
            started = time.perf_counter()
            answer = answer_of(client, address)
            milliseconds.append((time.perf_counter() - started) * 1e3)
            if answer.status_code != 200:
                raise SystemExit(f"{name}: {address} answers {answer.status_code}")
        with CaptureQueriesContext(connection) as statements:
            answer_of(client, address)
        first, *later = milliseconds
        show(
            name,
            statements=len(statements),
            median_ms=statistics.median(later),
            longest_ms=max(later),
            first_ms=first,
        )


if __name__ == "__main__":
    main()
