"""A page of any list has about 1 MiB at most, and is not read in more; over the real server too."""

import hashlib
import http.client
import json
import re
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import msgspec
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kynaplatform.api.pagination import MAX_PAGE_BYTES
from movespecs.drafts import MAX_YAML_BYTES
from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import ALL_SCOPES, AccessToken, Project
from sessions_app.models import DetectionEvent, DetectionSession
from tests.api.api_requests import ask
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, VALID_YAML
from tests.movespecs.writing import make_movespec

BEGUN = datetime(2100, 5, 6, 7, 8, 9, tzinfo=UTC)
# Of each, what JSON writes longest: six bytes for a character.
MAX_NAME = "🦵" * 255
MAX_DESCRIPTION = "\x01" * 2_000
MAX_YAML = VALID_YAML + "#" + '"' * (MAX_YAML_BYTES - len(VALID_YAML) - 2) + "\n"
MAX_MESSAGE = "\x01" * 200


def at(number):
    return BEGUN + timedelta(seconds=number)


def make_movespecs(project, count, visibility="private", **more):
    rows = [
        MoveSpec(
            project=project, visibility=visibility, created_at=at(number), updated_at=at(number),
            **{"name": MAX_NAME, "description": MAX_DESCRIPTION, **more},
        )
        for number in range(count)
    ]  # fmt: skip
    return {str(row.id) for row in MoveSpec.objects.bulk_create(rows)}


def own_movespecs(machine):
    make_movespecs(machine.project, 200)
    return MOVESPECS, "movespec_id", MoveSpec.objects.count()


def public_movespecs(machine):
    """Of two projects, of which one asks."""
    other = Project.objects.create(organization=machine.organization, name="Other")
    make_movespecs(machine.project, 100, "public")
    make_movespecs(other, 100, "public")
    return MOVESPECS, "movespec_id", MoveSpec.objects.count()


def versions(machine, count=20, yaml_source=MAX_YAML):
    movespec = make_movespec(machine.project)
    MoveSpecVersion.objects.bulk_create(
        MoveSpecVersion(
            movespec=movespec,
            version_number=number,
            yaml_source=yaml_source,
            content_hash=hashlib.sha256(yaml_source.encode()).hexdigest(),
            created_by=machine.credential.id,
            created_at=at(number),
        )
        for number in range(1, count + 1)
    )
    return f"{MOVESPECS}/{movespec.id}/versions", "movespec_version_id", count


def tokens(machine):
    AccessToken.objects.bulk_create(
        AccessToken(
            project=machine.project, credential=machine.credential, scopes=sorted(ALL_SCOPES),
            created_at=at(number), expires_at=at(number + 900), revoked_at=at(number),
        )
        for number in range(500)
    )  # fmt: skip
    return TOKENS, "token_id", AccessToken.objects.count()


def sessions(machine, count=501):
    versions(machine, 1)
    DetectionSession.objects.bulk_create(
        DetectionSession(
            project=machine.project, resolved_version=MoveSpecVersion.objects.get(),
            mode="replay", contract_major=1, status="failed", terminal_outcome="failed",
            error_code="runtime_error", error_message="é" * 500, accepted_frames_total=2**53,
            created_at=at(number), started_at=at(number), ended_at=at(number),
            signing_key_id=uuid.uuid4(), runtime_token_expires_at=at(number),
            stream_url="wss://x",
        )
        for number in range(count)
    )  # fmt: skip
    return SESSIONS, "session_id", count


def events(machine, count=501, message=MAX_MESSAGE):
    sessions(machine, 1)
    session_id = DetectionSession.objects.get().id
    DetectionEvent.objects.bulk_create(
        DetectionEvent(
            session_id=session_id, sequence=number, frame_seq=number, ts_ms=number + 0.123456789,
            type="feedback", payload={"level": "coaching", "message": message},
        )
        for number in range(1, count + 1)
    )  # fmt: skip
    return f"{SESSIONS}/{session_id}/events", "event_id", count


EVERY_LIST = pytest.mark.parametrize(
    "make", [own_movespecs, public_movespecs, versions, tokens, sessions, events]
)


class Kept:
    """One connection to the server; a token is sent if there is one."""

    def __init__(self, base_url, token):
        self.http = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def page(self, address):
        """The items' bytes, and the address of the next page."""
        self.http.request("GET", address, headers=self.headers)
        response = self.http.getresponse()
        body = response.read()
        assert response.status == 200, body
        link = re.fullmatch(r'<http://[^/]+([^>]+)>; rel="next"', response.headers.get("Link", ""))
        return body, link and link[1]


def assert_bounded_and_whole(kept, path, id_name, count):
    """Every page has about 1 MiB at most, and all together have every row once, in order."""
    address, rows, pages = f"{path}?limit=500", [], []
    while address is not None:
        body, address = kept.page(address)
        items = msgspec.json.decode(body, type=list[msgspec.Raw])
        assert items
        pages.append((len(items), len(body)))
        assert len(body) <= MAX_PAGE_BYTES + max(map(len, items)) + len(items) + 2
        rows += json.loads(body)
    assert len(pages) > 1
    ids = [row[id_name] for row in rows]
    assert len(ids) == len(set(ids)) == count
    if "created_at" in rows[0]:
        moments = [row["created_at"] for row in rows]
        assert moments == sorted(moments, reverse=True)
    else:
        assert [row["ts_ms"] for row in rows] == sorted(row["ts_ms"] for row in rows)
    # Nor is a page shorter than it need be.
    assert all(number == 500 or size >= MAX_PAGE_BYTES for number, size in pages[:-1])


@EVERY_LIST
@pytest.mark.django_db(transaction=True)
def test_no_page_of_the_largest_legal_rows_is_over_1_mib(owner, make, web):
    path, id_name, count = make(owner)
    assert_bounded_and_whole(Kept(web.base_url, owner.token), path, id_name, count)
    if make is public_movespecs:
        assert_bounded_and_whole(Kept(web.base_url, None), path, id_name, count)


@pytest.mark.django_db
def test_one_item_that_is_larger_than_a_page_is_a_page(owner):
    make_movespecs(owner.project, 3, description="x" * 1_500_000)
    first = owner.get(MOVESPECS)
    assert len(first.json()) == 1
    assert "Link" in first.headers


# What is read for a page


@contextmanager
def read_from_database(monkeypatch, model, column):
    """How many characters of `column` the rows had that were read meanwhile."""
    lengths = []
    from_db = model.from_db.__func__

    def counting(cls, db, names, values):
        row = from_db(cls, db, names, values)
        lengths.append(len(row.__dict__.get(column) or ""))
        return row

    with monkeypatch.context() as patched:
        patched.setattr(model, "from_db", classmethod(counting))
        yield lengths


def statements_of(machine, path):
    """What a list costs beside the caller's authentication."""
    with CaptureQueriesContext(connection) as queries:
        response = machine.get(path)
    assert response.status_code == 200
    return [query["sql"] for query in queries][1:], response


@pytest.mark.django_db
def test_no_more_versions_are_read_than_a_page_holds(owner, monkeypatch):
    path, _, _ = versions(owner)
    with read_from_database(monkeypatch, MoveSpecVersion, "yaml_source") as lengths:
        statements, response = statements_of(owner, f"{path}?limit=500")
    # 16 texts of 64 KiB have 1 MiB; one more tells that there are others.
    assert lengths == [MAX_YAML_BYTES] * 17
    assert len(response.content) < MAX_PAGE_BYTES + 2 * MAX_YAML_BYTES + 2_000
    # The MoveSpec, how long its versions are, and the versions.
    assert len(statements) == 3
    assert "octet_length" in statements[1]


@pytest.mark.django_db
@pytest.mark.parametrize("machine", ["owner", None])
def test_no_more_descriptions_are_read_than_a_page_holds(owner, monkeypatch, machine):
    make_movespecs(owner.project, 60, "public", description="x" * 500_000)
    with read_from_database(monkeypatch, MoveSpec, "description") as lengths:
        response = owner.get(MOVESPECS) if machine else ask("GET", MOVESPECS)
    assert lengths == [500_000] * 4
    assert len(response.json()) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 200])
def test_a_list_costs_as_many_statements_for_200_rows_as_for_one(owner, count):
    path, _, _ = versions(owner, count, VALID_YAML)
    make_movespecs(owner.project, count, name="x", description="x")
    statements, response = statements_of(owner, f"{path}?limit=500")
    assert (len(statements), len(response.json())) == (3, count)
    statements, response = statements_of(owner, MOVESPECS)
    assert (len(statements), len(response.json())) == (2, count + 1)
    statements, _ = statements_of(owner, TOKENS)
    assert len(statements) == 1
