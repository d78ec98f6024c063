"""Many creates, forks and versions at once end exactly at the limit, and hold nobody else up."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from racing import Answer, Connection, race, racing, session_body, waiting_backends

from kynaplatform import clock
from movespecs.drafts import movespec_create
from movespecs.files import movespecs_import, movespecs_write
from movespecs.models import Author, MoveSpec, MoveSpecDraft, MoveSpecVersion
from projects import models as suspension
from projects.models import Project
from tests.conftest import MOVESPECS, SESSIONS, VALID_YAML, Machine
from tests.module_servers import WebServer
from tests.server import api_server, patient_database_url
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 16
# By so many threads of one process: of several, one may get all connections.
SERVED_AT_ONCE = 4
# With the one that there is, fewer places than are served at once.
LIMIT = 3
MAX_TRIES = 10


@pytest.fixture(scope="module")
def web_environment() -> dict[str, str]:
    return {"WEB_PROCESSES": "2"}


def asking(base_url: str, requests: list[tuple[Any, ...]], machine: Machine) -> Any:
    """Each request, method, path, body and maybe a key, on a connection of its own."""

    def ask(method: str, path: str, body: Any, key: str | None = None) -> Callable[[], Answer]:
        connection = Connection(base_url)
        headers = {} if key is None else {"idempotency_key": key}

        def send() -> Answer:
            with closing(connection):
                return connection.call(method, path, body, machine.token, **headers)

        return send

    return racing([ask(*request) for request in requests])


def ask_at_once(base_url: str, requests: list[tuple[Any, ...]], machine: Machine) -> list[Answer]:
    with asking(base_url, requests, machine) as others:
        others.start()
        return list(others.results())


def told(answers: list[Answer], limit: int) -> Counter[int]:
    for answer in answers:
        if answer.status not in (200, 201):
            assert (answer.status, answer.error["code"]) == (409, "conflict")
            assert answer.error["details"] == {"limit": limit}
    return Counter(answer.status for answer in answers)


def limit_to(machine: Machine, **limits: int) -> None:
    Project.objects.filter(id=machine.project.id).update(**limits)


def count(machine: Machine) -> int:
    return MoveSpec.objects.filter(project=machine.project).count()


def test_creates_and_forks_at_once_make_exactly_as_many_as_may_be(
    owner: Machine, public_movespec: MoveSpec, tmp_path: Path
) -> None:
    limit_to(owner, movespec_limit=LIMIT)
    fork = (f"{MOVESPECS}/{public_movespec.id}/fork", {"project_id": str(owner.project.id)})
    requests: list[tuple[Any, ...]] = []
    for number in range(AT_ONCE // 4):
        requests += [
            ("POST", MOVESPECS, {"name": "x"}),
            ("POST", MOVESPECS, {"name": "y"}),
            ("POST", *fork),
            ("POST", *fork, f"key-{number}"),
        ]
    variables = {"WEB_THREADS": str(SERVED_AT_ONCE), "DATABASE_URL": patient_database_url()}
    with (
        api_server(tmp_path, environment=variables) as base_url,
        asking(base_url, requests, owner) as others,
    ):
        with transaction.atomic():
            # Whoever counts before the lock has counted once all of the server's threads wait.
            Project.objects.select_for_update().get(id=owner.project.id)
            others.start()
            eventually(lambda: waiting_backends() == SERVED_AT_ONCE, "all that are served wait")
        answers = others.results()
    assert told(answers, LIMIT) == {201: LIMIT - 1, 409: AT_ONCE - LIMIT + 1}
    assert count(owner) == LIMIT
    assert MoveSpecDraft.objects.count() == LIMIT


@pytest.mark.long
def test_forks_with_one_key_at_once_share_the_last_place(
    owner: Machine, peer: Machine, public_movespec: MoveSpec, web: WebServer
) -> None:
    limit_to(peer, movespec_limit=1)
    path, body = f"{MOVESPECS}/{public_movespec.id}/fork", {"project_id": str(peer.project.id)}
    answers = ask_at_once(web.base_url, [("POST", path, body, "k")] * AT_ONCE, peer)
    assert told(answers, 1) == {201: AT_ONCE}
    assert len({answer.json()["movespec_id"] for answer in answers}) == 1
    assert Counter(answer.is_replay for answer in answers) == {True: AT_ONCE - 1, False: 1}
    assert count(peer) == 1


def test_versions_at_once_are_exactly_as_many_as_may_be(
    owner: Machine, movespec: MoveSpec, web: WebServer
) -> None:
    limit_to(owner, version_limit=LIMIT)
    path = f"{MOVESPECS}/{movespec.id}"
    drafts = [{"yaml_source": f"{VALID_YAML}# {number}\n"} for number in range(AT_ONCE)]

    def write_and_snapshot(base_url: str, draft: dict[str, str]) -> Callable[[], Answer]:
        connection = Connection(base_url)

        def send() -> Answer:
            with closing(connection):
                # Drafts overtake each other: what was snapshot by another is no new version.
                for _ in range(MAX_TRIES):
                    written = connection.call("PUT", f"{path}/draft", draft, owner.token)
                    assert written.status == 200
                    answer = connection.call("POST", f"{path}/versions", None, owner.token)
                    if answer.status == 409:
                        break
                return answer

        return send

    answers = race([write_and_snapshot(web.base_url, draft) for draft in drafts])
    assert 409 in told(answers, LIMIT)
    numbers = MoveSpecVersion.objects.filter(movespec=movespec).values_list("version_number")
    assert sorted(number for (number,) in numbers) == [*range(1, LIMIT + 1)]


def make(machine: Machine) -> MoveSpec:
    return movespec_create(
        project_id=machine.project.id,
        name="x",
        description=None,
        author=Author(machine.credential.id),
        now=timezone.now(),
    )


def test_a_create_waits_for_the_one_before_it_and_a_rollback_gives_the_place_back(
    owner: Machine,
) -> None:
    limit_to(owner, movespec_limit=1)
    with racing([lambda: make(owner)]) as others:
        with transaction.atomic():
            rolled_back = make(owner)
            others.start()
            eventually(lambda: waiting_backends() == 1, "the second create waits")
            transaction.set_rollback(True)
        [made] = others.results()
    assert [one.id for one in MoveSpec.objects.all()] == [made.id] != [rolled_back.id]


def test_who_only_refers_to_the_project_waits_for_no_create(
    owner: Machine, peer: Machine, movespec: MoveSpec, web: WebServer
) -> None:
    with transaction.atomic():
        make(owner)  # its project's row is locked until here ends
        path = f"{MOVESPECS}/{movespec.id}"
        requests = [
            ("POST", SESSIONS, session_body(owner, movespec)),
            ("GET", MOVESPECS, None),
            ("PATCH", path, {"name": "Renamed"}),
            ("PUT", f"{path}/draft", {"yaml_source": f"{VALID_YAML}# 2\n"}),
            ("POST", f"{path}/versions", None),
        ]
        answers = [ask_at_once(web.base_url, [request], owner)[0] for request in requests]
        others = ask_at_once(web.base_url, [("POST", MOVESPECS, {"name": "x"})], peer)
    assert [answer.status for answer in (*answers, *others)] == [201, 200, 200, 200, 201, 201]


def test_a_suspension_waits_for_a_create_and_is_not_undone_by_it(owner: Machine) -> None:
    now = timezone.now()
    with racing([lambda: suspension.suspend(owner.project, now=now)]) as others:
        with transaction.atomic():
            make(owner)
            others.start()
            eventually(lambda: waiting_backends() == 1, "the suspension waits")
        assert others.results() == [True]
    assert Project.objects.get(id=owner.project.id).suspended_at == now
    assert count(owner) == 1


def test_imports_at_once_make_each_movespec_once(
    owner: Machine, outsider: Machine, movespec: MoveSpec, tmp_path: Path
) -> None:
    movespecs_write(owner.project, tmp_path)
    now = clock.now()
    made = race([partial(movespecs_import, outsider.project, tmp_path, now=now)] * SERVED_AT_ONCE)
    assert sorted(made) == [(0, 0)] * (SERVED_AT_ONCE - 1) + [(1, 1)]
    assert MoveSpec.objects.filter(project=outsider.project).count() == 1
