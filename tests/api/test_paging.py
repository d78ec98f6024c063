"""limit, cursor and Link, the same on every list"""

import base64
import hashlib
import re
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from movespecs.models import MoveSpec, MoveSpecVersion
from projects.models import AccessToken
from sessions_app.models import DetectionSession
from tests.api.api_requests import nothing_changes, refused_fields
from tests.conftest import MOVESPECS, SESSIONS, TOKENS, VALID_YAML
from tests.long_runs import thinned
from tests.movespecs.writing import make_movespec

BEGUN = datetime(2100, 5, 6, 7, 8, 9, 250_001, tzinfo=UTC)


def movespecs(machine, times):
    MoveSpec.objects.bulk_create(
        MoveSpec(project=machine.project, name="x", created_at=at, updated_at=at) for at in times
    )
    return MOVESPECS


def versions(machine, times):
    movespec = make_movespec(machine.project)
    MoveSpecVersion.objects.bulk_create(
        MoveSpecVersion(
            movespec=movespec,
            version_number=number,
            yaml_source=VALID_YAML,
            content_hash=hashlib.sha256(VALID_YAML.encode()).hexdigest(),
            created_at=at,
        )
        for number, at in enumerate(times, start=1)
    )
    return f"{MOVESPECS}/{movespec.id}/versions"


def tokens(machine, times):
    AccessToken.objects.bulk_create(
        AccessToken(
            project=machine.project,
            credential=machine.credential,
            scopes=["usage:read"],
            created_at=at,
            expires_at=at + timedelta(minutes=15),
        )
        for at in list(times)[1:]  # and the one that asks, the oldest
    )
    return TOKENS


def sessions(machine, times):
    versions(machine, [BEGUN])
    version = MoveSpecVersion.objects.get()
    DetectionSession.objects.bulk_create(
        DetectionSession(
            project=machine.project,
            resolved_version=version,
            mode="live",
            contract_major=1,
            status="created",
            created_at=at,
            deadline_at=at + timedelta(days=9_999),
            signing_key_id=uuid.uuid4(),
            runtime_token_expires_at=at,
            stream_url="ws://x",
        )
        for at in times
    )
    return SESSIONS


IDS = {
    movespecs: "movespec_id",
    versions: "movespec_version_id",
    tokens: "token_id",
    sessions: "session_id",
}
every_list = pytest.mark.parametrize("make", IDS, ids=lambda make: make.__name__)


def moments(count):
    """Times of `count` rows; every third row is as old as the one before it."""
    return [BEGUN + timedelta(seconds=number - (number % 3 == 2)) for number in range(count)]


def next_of(response):
    """The address in the Link header, or None."""
    if "Link" not in response.headers:
        return None
    match = re.fullmatch(r'<(http://testserver/[^>]+)>; rel="next"', response.headers["Link"])
    return match[1]


def walk(machine, make, path):
    """The ids of every page, by following Link."""
    pages = []
    while path is not None:
        response = machine.get(path)
        assert response.status_code == 200
        pages.append([row[IDS[make]] for row in response.json()])
        path = next_of(response)
    return pages


@every_list
def test_pages_follow_each_other_without_gap_or_repetition(owner, make):
    path = make(owner, moments(10))
    whole = [row[IDS[make]] for row in owner.get(path).json()]
    assert len(set(whole)) == 10
    times = [row["created_at"] for row in owner.get(path).json()]
    assert times == sorted(times, reverse=True)
    for limit in (1, 3, 5):
        pages = walk(owner, make, f"{path}?limit={limit}")
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert sum(pages, []) == whole  # noqa: RUF017


@every_list
def test_without_a_limit_it_answers_its_default(owner, make):
    path = make(owner, moments(501))
    default = 500 if make is movespecs else 100
    assert len(owner.get(path).json()) == default
    assert len(owner.get(f"{path}?limit=500").json()) == 500
    assert len(owner.get(f"{path}?limit=499").json()) == 499


@every_list
def test_the_link_keeps_the_other_parameters(owner, make):
    path = make(owner, moments(5))
    query = "limit=2&colour=red+%26+blue&colour=%C3%A9&empty="
    link = urlsplit(next_of(owner.get(f"{path}?{query}")))
    assert (link.scheme, link.netloc, link.path) == ("http", "testserver", path)
    parameters = parse_qs(link.query, keep_blank_values=True)
    assert parameters.pop("cursor")
    assert parameters == {"limit": ["2"], "colour": ["red & blue", "é"], "empty": [""]}
    second = urlsplit(next_of(owner.get(f"{link.path}?{link.query}")))
    assert len(parse_qs(second.query)["cursor"]) == 1


def test_a_new_row_does_not_shift_the_pages(owner):
    path = movespecs(owner, moments(6))
    whole = [row["movespec_id"] for row in owner.get(path).json()]
    second = next_of(owner.get(f"{path}?limit=3"))
    movespecs(owner, [BEGUN + timedelta(hours=1)])
    assert [row["movespec_id"] for row in owner.get(second).json()] == whole[3:]


@thinned(
    "make, limit",
    [*IDS],
    ["0", "501", "99999999999999999999", "5.0", "", "1_0", "٣", " 1"],
)
def test_a_bad_limit_is_refused(owner, make, limit):
    path = make(owner, moments(1))
    with nothing_changes():
        refused_fields(owner.get(f"{path}?limit={limit}"), "limit")


def of_bytes(raw):
    return base64.urlsafe_b64encode(raw).decode()


@thinned(
    "make, cursor",
    [*IDS],
    ["", "!!!!", "%00", "a" * 101, of_bytes(b"x" * 23), of_bytes(b"\xff" * 24)],
)
def test_a_bad_cursor_is_refused(owner, make, cursor):
    path = make(owner, moments(1))
    with nothing_changes():
        refused_fields(owner.get(f"{path}?cursor={cursor}"), "cursor")


def test_a_cursor_does_not_open_another_projects_list(owner, peer):
    movespecs(owner, moments(3))
    movespecs(peer, moments(3))
    link = next_of(owner.get(f"{MOVESPECS}?limit=1"))
    rows = peer.get(link.replace("limit=1", "limit=9")).json()
    assert {row["project_id"] for row in rows} == {str(peer.project.id)}
