"""The context of a create: its parameters, subject, metadata and locale, and where they go"""

import hashlib
import io
import json
import logging
from typing import Any
from uuid import UUID

import msgspec
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from joserfc import jws

from movespecs.models import MoveSpec
from sessions_app.admission import FINGERPRINTS
from sessions_app.models import Mode
from sessions_app.schemas import SessionCreate
from tests.api.api_requests import nothing_changes, refused, refused_fields
from tests.conftest import SESSIONS, VALID_YAML, Machine, make_released
from tests.documented import block

DEEP_YAML = (
    VALID_YAML.replace(
        "  movement:\n",
        "  parameters:\n"
        "    depth: {default: 100, min: 60, max: 130}\n"
        "    rise: {default: 160, min: 150, max: 170}\n"
        "  movement:\n",
    )
    .replace("angle_min: 160", "angle_min: $rise")
    .replace("angle_max: 100", "angle_max: $depth")
)
SUBJECT = "p_0f4a6b0c5a11-the-person"
CONTEXT: dict[str, Any] = {
    "parameters": {"depth": 90},
    "subject": SUBJECT,
    "metadata": {"plan": "knee-week-3", "note": "Größe 1,80"},
    "locale": "de-AT",
    "target": {"repetitions": 10},
    "landmarker": {"name": "@mediapipe/pose 0.5", "visibility": False},
}
NONE: dict[str, Any] = dict.fromkeys(CONTEXT)


@pytest.fixture
def deep(owner: Machine) -> MoveSpec:
    return make_released(owner.project, DEEP_YAML)[0]


def made(response: HttpResponse) -> dict[str, Any]:
    assert response.status_code == 201, response.content
    answer: dict[str, Any] = response.json()
    return answer


def context_of(machine: Machine, session: dict[str, Any]) -> dict[str, Any]:
    record = machine.get(f"{SESSIONS}/{session['session_id']}").json()
    return {name: record[name] for name in CONTEXT}


# Where it goes


def test_the_record_shows_it_and_neither_the_answer_nor_the_token(
    owner: Machine, deep: MoveSpec
) -> None:
    plain, session = made(owner.create_session(deep)), made(owner.create_session(deep, **CONTEXT))
    assert context_of(owner, session) == CONTEXT
    assert context_of(owner, plain) == NONE
    assert session.keys() == plain.keys()
    tokens = [
        jws.extract_compact(one["runtime_token"].encode()).payload for one in (plain, session)
    ]
    assert len(tokens[0]) == len(tokens[1])
    assert SUBJECT.encode() not in tokens[1]
    listed = owner.get(SESSIONS).json()
    assert [{name: one[name] for name in CONTEXT} for one in listed] == [CONTEXT, NONE]


@pytest.mark.parametrize("empty", [NONE, {"parameters": {}, "metadata": {}}])
def test_what_says_nothing_is_none(owner: Machine, deep: MoveSpec, empty: Any) -> None:
    first = owner.create_session(deep, idempotency_key="k", **empty)
    assert context_of(owner, made(first)) == NONE
    again = owner.create_session(deep, idempotency_key="k")
    assert again.content == first.content


def test_the_page_has_a_create_with_a_context(owner: Machine, deep: MoveSpec) -> None:
    body = json.loads(block("docs/api.md", '"subject": "p_4711"').text)
    session = made(owner.create_session(deep, **{name: body.pop(name) for name in CONTEXT}))
    assert None not in context_of(owner, session).values()
    assert body == {"mode": "live", "project_id": "…", "movespec_id": "…"}


# What is refused


def test_what_no_session_may_have_is_refused(owner: Machine, deep: MoveSpec) -> None:
    refusals: list[tuple[dict[str, Any], list[str]]] = [
        ({"subject": ""}, ["subject"]),
        ({"subject": "s" * 129}, ["subject"]),
        ({"subject": "anna@example.com"}, ["subject"]),
        ({"subject": "p_1\n"}, ["subject"]),
        ({"subject": 4711}, ["subject"]),
        ({"metadata": {"n": 1}}, ["metadata.n"]),
        ({"metadata": {"\ud800": 1}}, ["metadata.\\ud800"]),
        ({"metadata": {"n": "x" * 501}}, ["metadata.n"]),
        ({"metadata": {"n": "\0"}}, ["metadata.n"]),
        ({"metadata": {"n": "\ud800"}}, ["metadata.n"]),
        ({"metadata": {"n" * 41: "x"}}, ["metadata"]),
        ({"metadata": {"a\n": "x"}}, ["metadata"]),
        ({"metadata": {f"n{number}": "" for number in range(17)}}, ["metadata"]),
        ({"metadata": {f"n{number}": "ü" * 228 for number in range(9)}}, ["metadata"]),
        ({"parameters": {"depth": "90"}}, ["parameters.depth"]),
        ({"parameters": {"depth": 10**400}}, ["parameters.depth"]),
        ({"parameters": {"Depth": 90}}, ["parameters"]),
        ({"parameters": {f"p{number}": 1 for number in range(17)}}, ["parameters"]),
        ({"landmarker": {}}, ["landmarker.name", "landmarker.visibility"]),
        ({"landmarker": {"name": "pose"}}, ["landmarker.visibility"]),
        ({"landmarker": {"name": "", "visibility": True}}, ["landmarker.name"]),
        ({"landmarker": {"name": "p" * 81, "visibility": True}}, ["landmarker.name"]),
        ({"landmarker": {"name": "a\nb", "visibility": True}}, ["landmarker.name"]),
        ({"landmarker": {"name": "pose", "visibility": 1}}, ["landmarker.visibility"]),
        ({"locale": ""}, ["locale"]),
        ({"subject": "?", "locale": "?"}, ["subject", "locale"]),
    ]
    with nothing_changes():
        for given, fields in refusals:
            refused_fields(owner.create_session(deep, idempotency_key="k", **given), *fields)


def test_the_longest_that_a_session_may_have(owner: Machine, deep: MoveSpec) -> None:
    metadata = {f"note-{number:02}": "x" * 249 for number in range(16)}
    assert sum(len(name) + len(text) for name, text in metadata.items()) == 4096
    longest = {"subject": "s" * 128, "metadata": metadata}
    assert context_of(owner, made(owner.create_session(deep, **longest))) == NONE | longest
    longest = {"metadata": {"n" * 40: "x" * 500}}
    assert context_of(owner, made(owner.create_session(deep, **longest))) == NONE | longest


def test_a_number_that_the_version_does_not_take_is_refused_and_its_key_is_free(
    owner: Machine, deep: MoveSpec
) -> None:
    for parameters, name, message in (
        ({"depht": 90}, "depht", 'No parameter has the name "depht"; the nearest is depth.'),
        ({"rise": 155, "depth": 131}, "depth", "depth must be from 60 to 130, not 131."),
    ):
        with nothing_changes():
            response = owner.create_session(deep, idempotency_key="k", parameters=parameters)
        refused(response, 422, "validation_error", **{f"parameters.{name}": message})
    again = owner.create_session(deep, idempotency_key="k", parameters={"depth": 60})
    assert context_of(owner, made(again)) == NONE | {"parameters": {"depth": 60}}
    assert "Idempotent-Replayed" not in again.headers


TAGS = [
    "de", "de-AT", "DE-at", "pt-BR", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-CH-1901",
    "zh-cmn-Hans-CN", "en-a-bbb-x-a-ccc", "de-u-co-phonebk", "x-whatever", "i-klingon",
    "en-GB-oed", "sgn-BE-FR", "art-lojban", "zh-min-nan", "abcdefgh", "a" * 4,
    "de-x-" + "-".join(["abcdefgh"] * 10),
]  # fmt: skip
NO_TAGS = [
    "d", "de-", "-de", "de--AT", "a-DE", "abcdefghi", "de-419-DE", "de-x", "de-u", "i-nothing",
    "de-abcdefghi", "1234", "de_AT", "de-1a", "de at", "*", "x", "deutsch-abc",
    "de-x-" + "-".join(["abcdefgh"] * 11),
]  # fmt: skip


def test_a_locale_is_a_well_formed_tag(owner: Machine, movespec: MoveSpec) -> None:
    for tag in TAGS:
        session = made(owner.create_session(movespec, locale=tag))
        assert context_of(owner, session)["locale"] == tag
    with nothing_changes():
        for tag in NO_TAGS:
            refused_fields(owner.create_session(movespec, locale=tag), "locale")


# Its part of the fingerprint


def test_the_same_context_in_other_words_replays(owner: Machine, deep: MoveSpec) -> None:
    both = {"depth": 90, "rise": 155}
    first = owner.create_session(deep, idempotency_key="k", **CONTEXT | {"parameters": both})
    turned = {
        "parameters": {"rise": 155.0, "depth": 90.0},
        "metadata": dict(reversed(CONTEXT["metadata"].items())),
    }
    with nothing_changes():
        again = owner.create_session(deep, idempotency_key="k", **CONTEXT | turned)
    assert (again.status_code, again.content) == (201, made(first) and first.content)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_another_context_is_another_request(owner: Machine, deep: MoveSpec) -> None:
    made(owner.create_session(deep, idempotency_key="k", **CONTEXT))
    made(owner.create_session(deep, idempotency_key="plain"))
    with nothing_changes():
        for other in (
            {"parameters": {"depth": 90.5}},
            {"parameters": None},
            # It would be refused by itself: the key is looked at first.
            {"parameters": {"depth": 1}},
            {"subject": "another"},
            {"metadata": {}},
            {"metadata": CONTEXT["metadata"] | {"more": ""}},
            {"locale": "de"},
            {"locale": None},
        ):
            response = owner.create_session(deep, idempotency_key="k", **CONTEXT | other)
            refused(response, 422, "idempotency_key_reused")
        for name, value in CONTEXT.items():
            response = owner.create_session(deep, idempotency_key="plain", **{name: value})
            refused(response, 422, "idempotency_key_reused")


def test_a_known_request_with_a_context_has_exactly_this_fingerprint() -> None:
    """What is stored is read for a day, by code of later releases as well."""
    hashed = (
        b'["live","00000000-0000-4000-8000-000000000002",1,'
        b'"00000000-0000-4000-8000-000000000006",null,'
        b'{"depth":90.0,"rise":155.5},"p_1",{"a":"x","b":"\xc3\xbc"},"de-AT"]'
    )
    create = SessionCreate(
        project_id=UUID("00000000-0000-4000-8000-000000000002"),
        mode=Mode.LIVE,
        movespec_id=UUID("00000000-0000-4000-8000-000000000006"),
        parameters={"rise": 155.5, "depth": 90.0},
        subject="p_1",
        metadata={"b": "ü", "a": "x"},
        locale="de-AT",
    )
    fingerprint = FINGERPRINTS.of(msgspec.structs.asdict(create))
    assert fingerprint == b"\2" + hashlib.sha256(hashed).digest()


# What was stored before


# What it costs


def test_a_context_costs_no_statement_and_numbers_a_transaction(
    owner: Machine, deep: MoveSpec
) -> None:
    made(owner.create_session(deep, **CONTEXT))
    labels = {name: CONTEXT[name] for name in ("subject", "metadata", "locale")}
    with CaptureQueriesContext(connection) as queries:
        made(owner.create_session(deep, **labels))
    assert [query["sql"].split()[0] for query in queries] == ["WITH"]
    with CaptureQueriesContext(connection) as queries:
        made(owner.create_session(deep, **CONTEXT))
    words = [query["sql"].split()[0] for query in queries]
    assert words == ["SAVEPOINT", "WITH", "RELEASE"]


# Where it does not go


def test_no_log_line_and_no_metric_has_a_subject_or_a_note(
    owner: Machine, deep: MoveSpec, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(_everything())
    logging.getLogger().addHandler(handler)
    try:
        session = made(owner.create_session(deep, idempotency_key="k", **CONTEXT))
        made(owner.create_session(deep, idempotency_key="k", **CONTEXT))
        for wrong in ({"mode": "film"}, {"locale": "?"}, {"parameters": {"depth": 1}}):
            assert owner.create_session(deep, **CONTEXT | wrong).status_code == 422
        assert owner.get(f"{SESSIONS}?subject={SUBJECT}&limit=1").status_code == 200
        assert owner.get(f"{SESSIONS}?subject={SUBJECT}&limit=0").status_code == 422
        for path in ("", "/events", "/nothing"):
            owner.get(f"{SESSIONS}/{session['session_id']}{path}")
        for end in ("finalize", "cancel"):
            owner.post(f"{SESSIONS}/{session['session_id']}/{end}")
    finally:
        logging.getLogger().removeHandler(handler)
    told = lines.getvalue()
    assert f"POST {SESSIONS} 201" in told
    assert f"GET {SESSIONS} 200" in told
    everything = told + owner.get("/metrics").content.decode()
    assert [text for text in (SUBJECT, *CONTEXT["metadata"].values()) if text in everything] == []


class _everything(logging.Formatter):  # noqa: N801
    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {vars(record)}"


def test_a_number_beyond_a_double_is_refused(owner: Machine, deep: MoveSpec) -> None:
    body = json.dumps(
        {"mode": "live", "project_id": str(owner.project.id), "movespec_id": str(deep.id)}
    )
    with nothing_changes():
        for number in ("1e400", "-1e400", "1" + "0" * 5000):
            sent = f'{body[:-1]}, "parameters": {{"depth": {number}}}}}'.encode()
            refused_fields(owner.post(SESSIONS, sent), "parameters.depth")


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({}, "target"),
        ({"repetitions": 3, "hold_ms": 3_000}, "target"),
        ({"repetitions": 0}, "target.repetitions"),
        ({"repetitions": 10_001}, "target.repetitions"),
        ({"hold_ms": 1.5}, "target.hold_ms"),
        ({"hold_ms": 3_000}, "target.hold_ms"),
        (3, "target"),
    ],
)
def test_a_target_that_nothing_can_reach_is_refused(
    owner: Machine, movespec: MoveSpec, target: Any, field: str
) -> None:
    with nothing_changes():
        refused_fields(owner.create_session(movespec, target=target), field)
