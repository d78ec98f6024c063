"""The close codes: each refusal is accepted, told in the one shape, closed, and changes nothing."""

import base64
import contextlib
import gc
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from raw import CLOSE, CONTINUATION, PING, TEXT, attach, frame
from rows import await_detached
from stage import Stage, make_owner, runtime_on
from streaming import Client, attached, batches, create, wire_frames

from clients.python.wire import wire_frame
from dev.poses.figure import perform
from projects.models import suspend
from projects.signing import key_ring, sign
from sessions_app.models import DetectionSession, SessionAttach
from sessions_app.runtime_tokens import AUDIENCE, TOKEN_TYPE
from tests.api.api_requests import nothing_changes
from tests.server import RuntimeServer
from tests.waiting import eventually

ALLOWED_ORIGIN = "https://app.example"
POSES = perform("squat", repetitions=1, fps=10)
FRAMES = wire_frames(POSES)
# As a client rounds them before either protocol.
ROUNDED = [msgspec.to_builtins(wire_frame(pose, seq)) for seq, pose in enumerate(POSES, 1)]
HURRY, ENVIRONMENT = {"QUIET_SECONDS": 0.1}, {"CORS_ALLOWED_ORIGINS": ALLOWED_ORIGIN}


@pytest.fixture(autouse=True)
def _nobody_else(stage: Stage) -> None:
    """What the test before has left is closed, for a detach is a change."""

    def is_alone() -> bool:
        return stage.metrics()["kyna_stream_attached_sessions"] == 0

    if not is_alone():
        gc.collect()
        stage.wait_for(is_alone)


def is_told(client: Client, code: str, close: int, /, **details: Any) -> dict[str, Any]:
    """The client's next and last message is this error, and the socket is closed with `close`."""
    told = client.expect("error")
    assert list(told) == ["type", "error"]
    assert sorted(told["error"]) == ["code", "details", "message", "retryable"]
    error: dict[str, Any] = told["error"]
    assert (error["code"], error["details"]) == (code, details)
    assert error["retryable"] is (code == "rate_limited")
    assert isinstance(error["message"], str)
    assert 0 < len(error["message"]) < 300
    assert client.next() is None
    assert (client.close_code, client.close_reason) == (close, code)
    return error


def refused(created: dict[str, Any], code: str, close: int, /, **options: Any) -> dict[str, Any]:
    """An attach is refused, and no row of any table changes."""
    details = options.pop("details", {})
    with nothing_changes():
        client = Client(created, **options)
        assert client.socket.getstatus() == 101
        return is_told(client, code, close, **details)


def offering(subprotocols: str) -> str:
    """As a header, for the library refuses a server that selects none."""
    return f"Sec-WebSocket-Protocol: {subprotocols}"


# --- 4401 -----------------------------------------------------------------------------------


def test_without_a_token_4401(stage: Stage) -> None:
    created = stage.create()
    refused(created, "runtime_token_missing", 4401, query=False)
    refused(created | {"runtime_token": ""}, "runtime_token_missing", 4401)
    for header in (
        "Authorization: Basic dXNlcjpwYXNz",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        f"Authorization: {created['runtime_token']}",
    ):
        refused(created, "runtime_token_missing", 4401, query=False, header=[header])
    for offered in ("kyna.v1", "kyna.v1, bearer.", f"token.{created['runtime_token']}"):
        refused(created, "runtime_token_missing", 4401, query=False, header=[offering(offered)])


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def signed(claims: Mapping[str, Any], token_type: str = TOKEN_TYPE) -> str:
    """A token of the platform's own key."""
    key = key_ring().active(timezone.now())
    assert key.private is not None
    return sign(token_type, claims, key.id, key.private)


def test_a_token_that_is_none_4401(stage: Stage) -> None:
    created = stage.create()
    token = created["runtime_token"]
    header, payload, signature = token.split(".")
    raw_signature = base64.urlsafe_b64decode(signature + "==")
    for forged in (
        *("x", "...", "é", "A" * 5000, token[:-1], token + "=", f" {token}"),
        *(f"{header}.{payload}.", f".{payload}.{signature}", f"{token}.{signature}"),
        f"{header}.{payload}.{base64url(bytes([raw_signature[0] ^ 1]) + raw_signature[1:])}",
        f"{header}.{base64url(json.dumps(claims_of(token) | {'mode': 'replay'}).encode())}"
        f".{signature}",
        f"{base64url(json.dumps({'alg': 'none', 'typ': TOKEN_TYPE}).encode())}.{payload}.",
    ):
        refused(created | {"runtime_token": forged}, "runtime_token_invalid", 4401)


def test_a_token_of_ours_for_something_else_4401(stage: Stage) -> None:
    created, other = stage.create(), stage.create()
    claims = claims_of(created["runtime_token"])
    without_sub = {name: value for name, value in claims.items() if name != "sub"}
    for token in (
        stage.owner.token,
        other["runtime_token"],
        signed(claims, "kyna-access+jwt"),
        signed(claims | {"aud": "kyna-access"}),
        signed(claims | {"aud": [AUDIENCE]}),
        signed(claims | {"iss": "someone"}),
        signed(claims | {"sub": None}),
        signed(claims | {"sub": 5}),
        signed(claims | {"sub": "nobody"}),
        signed(claims | {"exp": "soon"}),
        signed(claims | {"exp": None}),
        signed(without_sub),
    ):
        refused(created | {"runtime_token": token}, "runtime_token_invalid", 4401)


# --- The three ways to bring a token --------------------------------------------------------


def attaches(created: dict[str, Any], **options: Any) -> Client:
    client = Client(created, **options)
    assert client.expect("session_update")["session_id"] == created["session_id"]
    return client


def test_a_token_may_come_as_a_bearer(stage: Stage) -> None:
    created = stage.create()
    for scheme in ("Bearer", "bEARER"):
        header = [f"Authorization: {scheme} {created['runtime_token']}"]
        attaches(created, query=False, header=header)


def selected(client: Client) -> str | None:
    """The subprotocol that the server chose."""
    headers: dict[str, str] = client.socket.getheaders()
    return headers.get("sec-websocket-protocol")


def test_a_token_may_come_as_a_subprotocol_and_the_best_that_is_known_is_selected(
    stage: Stage,
) -> None:
    created = stage.create()
    bearer = f"bearer.{created['runtime_token']}"
    for offered in (f"kyna.v1, {bearer}", f"{bearer},kyna.v1", f"other, {bearer}, kyna.v1"):
        client = attaches(created, query=False, header=[offering(offered)])
        assert selected(client) == "kyna.v1"
    assert selected(attaches(created, query=False, header=[offering(bearer)])) is None
    assert selected(attaches(created, header=[offering("kyna.v1")])) == "kyna.v1"
    for offered in ("kyna.v2", "kyna.v1, kyna.v2", f"kyna.v2, {bearer}"):
        assert selected(attaches(created, header=[offering(offered)])) == "kyna.v2"
    assert selected(attaches(created, header=[offering("kyna.v3, kyna.v1x")])) is None
    assert selected(attaches(created)) is None


# --- 4403 and 4404 --------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["project", "organization"])
def test_suspended_4403(stage: Stage, target: str) -> None:
    machine, squat = make_owner()
    created = create(machine, squat, stage.runtime.url)
    suspend(getattr(machine, target), now=timezone.now())
    refused(created, f"{target}_suspended", 4403)


@pytest.mark.parametrize("origin", ["null", "http://app.example", "https://app.example:8443"])
def test_an_origin_that_is_not_listed_4403(stage: Stage, origin: str) -> None:
    created = stage.create()
    told = refused(created, "authorization_failed", 4403, origin=origin)
    setting = "The server's setting CORS_ALLOWED_ORIGINS does not list the origin "
    assert told["message"] == f"{setting}{origin}."
    # Before the token is looked at, so that a page learns nothing of it.
    refused(created, "authorization_failed", 4403, origin=origin, query=False)


def test_a_session_that_is_gone_4404(stage: Stage) -> None:
    created = stage.create()
    DetectionSession.objects.filter(id=created["session_id"]).delete()
    refused(created, "not_found", 4404, details={"resource": "session"})


@pytest.mark.parametrize("name", ["", "..%2F..", "%C3%A9%20"])
def test_a_malformed_id_4404(stage: Stage, name: str) -> None:
    created = stage.create()
    for session_id in (name, f"{created['session_id']}/", f"{created['session_id']}x"):
        misled = created | {"stream_url": f"{stage.runtime.url}/{session_id}"}
        refused(misled, "not_found", 4404, details={"resource": "session"})
        refused(misled, "runtime_token_missing", 4401, query=False)


# --- What an attached client may not send ---------------------------------------------------


def session_state(created: dict[str, Any]) -> dict[str, Any]:
    """The session's row but for its lease, which ends with each socket."""
    row = DetectionSession.objects.filter(id=created["session_id"]).values().get()
    for column in ("attachment_id", "lease_until", "deadline_at"):
        del row[column]
    return row


def last_close_code(created: dict[str, Any]) -> int | None:
    """What the session's newest attach was closed with, once its runtime has noted it."""
    attach = SessionAttach.objects.filter(session_id=created["session_id"])
    eventually(lambda: attach.latest("attached_at").detached_at is not None, "it is detached")
    return attach.latest("attached_at").close_code


@contextlib.contextmanager
def closes(
    stage: Stage, code: str, close: int, /, protocol: str = "kyna.v1", **details: Any
) -> Iterator[Client]:
    """What is sent in the block ends the socket, changes nothing, and the session lives on."""
    created = stage.create()
    client = attached(created, header=[offering(protocol)])
    client.send_batch(1, FRAMES[:5])
    client.until("frame_ack")
    before = session_state(created)
    yield client
    is_told(client, code, close, **details)
    assert last_close_code(created) == close
    assert session_state(created) == before
    again = attaches(created)
    again.send_batch(2, FRAMES[:8])
    ack = again.until("frame_ack")
    assert ack["rejected_frame_indexes"] == [0, 1, 2, 3, 4]
    assert ack["accepted_frames_total"] == 8


@pytest.mark.parametrize("text", ["null", '{"type": "frame_ack"}', "[" * 600_000])
def test_a_bad_message_4400(stage: Stage, text: str) -> None:
    with closes(stage, "message_invalid", 4400) as client:
        client.send(text)


def test_a_binary_message_4400(stage: Stage) -> None:
    with closes(stage, "message_invalid", 4400) as client:
        client.socket.send_binary(b'{"type": "ping"}')


@pytest.mark.parametrize("data", [b"", b'{"type": "ping"}', bytes(272), b"\1" + bytes(300)])
def test_bad_bytes_of_kyna_v2_4400(stage: Stage, data: bytes) -> None:
    with closes(stage, "message_invalid", 4400, protocol="kyna.v2") as client:
        client.socket.send_binary(data)


def test_a_batch_of_text_in_kyna_v2_4400(stage: Stage) -> None:
    with closes(stage, "message_invalid", 4400, protocol="kyna.v2") as client:
        client.send({"type": "frame_batch", "batch_seq": 2, "frames": FRAMES[5:7]})


def test_301_frames_of_kyna_v2_4413(stage: Stage) -> None:
    with closes(stage, "batch_too_large", 4413, protocol="kyna.v2") as client:
        client.send_batch(2, FRAMES[:7] * 43)


def test_a_session_of_kyna_v2_is_as_that_of_kyna_v1(stage: Stage) -> None:
    told = {}
    for protocol in ("kyna.v1", "kyna.v2"):
        created = stage.create()
        client = attached(created, header=[offering(protocol)])
        frames = [*ROUNDED, ROUNDED[0], ROUNDED[-1] | {"frame_seq": 10_000}]
        for batch_seq, batch in enumerate(batches(frames, 9), 1):
            client.send_batch(batch_seq, batch)
        client.send({"type": "ping"})
        client.until("pong")
        client.send({"type": "finalize"})
        assert client.to_the_end() == 1000
        own = {created["session_id"]: ""} | {event["event_id"]: "" for event in client.events()}
        text = json.dumps(client.told)
        for name, other in own.items():
            text = text.replace(name, other)
        told[protocol] = text
    assert told["kyna.v1"] == told["kyna.v2"]
    assert "event_completed" in told["kyna.v1"]


def test_301_frames_4413(stage: Stage) -> None:
    with closes(stage, "batch_too_large", 4413) as client:
        client.send_batch(2, [None] * 301)  # type: ignore[list-item]


def test_over_two_mebibytes_4413(stage: Stage) -> None:
    with closes(stage, "batch_too_large", 4413) as client:
        client.send('{"type": "ping", "x": "%s"}' % ("😀" * 2**19))


def test_too_many_messages_without_frames_4429(stage: Stage) -> None:
    told = {"limit_name": "control_messages", "limit": 20, "window_seconds": 1}
    with closes(stage, "rate_limited", 4429, retry_after_seconds=1, **told) as client:
        for _ in range(150):
            client.send('{"type": "pong"}')


# --- The transport's own --------------------------------------------------------------------

PAYLOAD = b'{"type":"ping"}'


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        pytest.param(
            1009,
            [frame(TEXT, bytes(65536), fin=False)]
            + [frame(CONTINUATION, bytes(65536), fin=False)] * 64,
            id="over 4 MiB in fragments",
        ),
        pytest.param(1007, [frame(TEXT, b'{"type":"\xff\xfe"}')], id="no UTF-8"),
        pytest.param(1002, [frame(TEXT, PAYLOAD, mask=False)], id="not masked"),
        pytest.param(1002, [frame(TEXT, b"{", fin=False), frame(TEXT, b"}")], id="interleaved"),
        pytest.param(1002, [frame(CLOSE, b"\x03")], id="half a close code"),
    ],
)
def test_what_is_no_websocket_is_closed_by_the_transport(
    stage: Stage, code: int, sent: list[bytes]
) -> None:
    created = stage.create()
    raw = attach(created)
    before = session_state(created)
    raw.send(*sent)
    assert raw.close_code() == code
    assert last_close_code(created) == code
    assert session_state(created) == before
    attaches(created)


def test_a_message_may_come_in_fragments_with_pings_between_them(stage: Stage) -> None:
    created = stage.create()
    raw = attach(created)
    text = json.dumps({"type": "frame_batch", "batch_seq": 7, "frames": FRAMES[:15]}).encode()
    chunks = [text[at : at + 100] for at in range(0, len(text), 100)]
    assert 400 < len(chunks) < 1000
    raw.send(frame(TEXT, b"", fin=False), frame(PING, b"are you there"))
    raw.send(*(frame(CONTINUATION, chunk, fin=False) for chunk in chunks))
    raw.send(frame(CONTINUATION, b""))
    assert raw.read_frame() == (10, b"are you there")
    told = [json.loads(payload) for _, payload in (raw.read_frame(), raw.read_frame())]
    ack = told[-1] if told[-1]["type"] == "frame_ack" else told[0]
    assert (ack["batch_seq"], ack["accepted_frame_count"]) == (7, 15)


# --- 4429 at the attach -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RuntimeServer]:
    folder = tmp_path_factory.mktemp("strict")
    with runtime_on(folder, RATE_LIMIT_ATTACH="3/minute") as runtime:
        yield runtime


def is_limited(created: dict[str, Any], name: str, limit: int = 3) -> None:
    client = Client(created)
    error = client.expect("error")["error"]
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    wait = error["details"].pop("retry_after_seconds")
    assert 1 <= wait <= 60
    assert error["details"] == {"limit_name": name, "limit": limit, "window_seconds": 60}
    assert error["message"].endswith(f": {limit} are admitted in 60 s. Wait {wait} s.")
    assert client.next() is None
    assert client.close_code == 4429


def test_too_many_attaches_of_one_session_4429(stage: Stage, strict: RuntimeServer) -> None:
    created = create(stage.owner, stage.squat, strict.url)
    for _ in range(3):
        attaches(created).socket.close()
        assert last_close_code(created) == 1000
    with nothing_changes():
        is_limited(created, "attach_again")
    attaches(create(stage.owner, stage.squat, strict.url))


def test_too_many_attaches_of_one_project_4429(stage: Stage, tmp_path: Path) -> None:
    """Beyond three a minute of each session, which nobody else's attaches take from it."""
    peer, squat = make_owner("peer")
    with runtime_on(tmp_path, RATE_LIMIT_ATTACH="5/minute") as runtime:
        restless, others = create(peer, squat, runtime.url), create(peer, squat, runtime.url)

        def attach_again(created: dict[str, Any]) -> None:
            attaches(created).socket.close()
            await_detached(created)

        for created in [restless] * 5 + [others] * 3:
            attach_again(created)
        with nothing_changes():
            is_limited(restless, "attach_again", 5)
        # Two of the five that the project has beside them were the restless one's.
        more = create(peer, squat, runtime.url)
        for created in [others] * 2 + [more] * 4:
            attach_again(created)
        with nothing_changes():
            is_limited(more, "attach_of_project", 5)
        attach_again(create(peer, squat, runtime.url))


def test_too_many_bad_tokens_of_one_address_4429(stage: Stage, strict: RuntimeServer) -> None:
    created = create(stage.owner, stage.squat, strict.url)
    for number in range(3):
        refused(created | {"runtime_token": f"x{number}"}, "runtime_token_invalid", 4401)
    with nothing_changes():
        is_limited(created | {"runtime_token": "x3"}, "attach_refused")
        is_limited(created | {"runtime_token": ""}, "attach_refused")
    attaches(created)  # a good token of the same address
