"""What is done to a session while its socket attaches is heard as well."""

from pathlib import Path

import pytest
from rows import await_detached, session_of
from streaming import Client, create, wire_frames

from dev.poses.figure import perform
from movespecs.models import MoveSpec
from tests.conftest import SESSIONS, Machine
from tests.long_runs import at_length
from tests.server import RuntimeServer, runtime_server
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

FRAMES = wire_frames(perform("squat", repetitions=1, fps=10))


@at_length(
    "how, last", ("finalize", "completed"), ("cancel", "cancelled"), ("attach", "superseded")
)
def test_an_end_between_the_attach_and_its_answer_is_felt(
    owner: Machine, squat: MoveSpec, hurried: RuntimeServer, tmp_path: Path, how: str, last: str
) -> None:
    gate = tmp_path / "gate"
    environment = {"RESTORE_GATE": str(gate)}
    with runtime_server(tmp_path, environment, module="tests.realtime.hurried") as slow:
        created = create(owner, squat, slow.url)
        client = Client(created)
        client.expect("session_update")
        client.send_batch(1, FRAMES[:10])
        client.until("frame_ack")
        client.socket.close()
        await_detached(created)
        gate.touch()
        client = Client(created)  # has the session, and restores its engine for long
        eventually(lambda: session_of(created).attachment_id is not None, "it is attached")
        if how == "attach":
            newer = Client(created | {"stream_url": f"{hurried.url}/{created['session_id']}"})
            newer.expect("session_update")
        else:
            owner.post(f"{SESSIONS}/{created['session_id']}/{how}")
        gate.unlink()
        assert client.expect("session_update")["last_frame_seq"] == 10
        if how == "attach":
            assert client.expect("error")["error"]["code"] == f"session_{last}"
            assert client.to_the_end() == 4409
            newer.socket.close()
        else:
            assert client.until("session_done")["status"] == last
            assert client.to_the_end() == 1000
