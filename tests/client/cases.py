"""What a client of the stream does: one table for the client in Python and that in JavaScript.

Both send batches of two poses. A moment is its time in milliseconds, and whether a pose was seen.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.client.scripted_server import Message, Peer, Refusal, Script
from tests.waiting import DEADLINE_SECONDS

Moment = tuple[float, bool]


@dataclass(frozen=True, kw_only=True)
class Went:
    """How a session went for its client; `refused_with` is the close that stopped it for good."""

    status: str | None = None
    outcome: str | None = None
    repetitions: dict[str, int] | None = None
    has_missed_events: bool | None = None
    refused_with: int | None = None
    # Of the platform, or `stream_closed` where it gave none.
    code: str | None = None
    accepted_frames: int
    attaches: int
    events: list[str] = field(default_factory=list)
    rejections: dict[str, int] = field(default_factory=dict)
    # What was told of readiness, as [state, *missing], and of holds, in milliseconds.
    told: list[Any] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A server that follows `scripts`, one for each connection, hears `heard` of each."""

    name: str
    scripts: tuple[Script | Refusal, ...]
    heard: list[list[Any]]
    went: Went
    moments: Sequence[Moment] = ((0, True), (40, True), (80, True), (120, True), (160, True))
    ending: str = "finalize"
    silent_seconds: float = 20
    # What the package says on the console.
    warned: str = ""
    # It may not end sooner.
    least_seconds: float = 0


COMPLETED = Went(
    status="completed", outcome="completed", has_missed_events=False, accepted_frames=5, attaches=1
)


def completed(**more: Any) -> Went:
    return Went(**{**vars(COMPLETED), **more})


def shape(message: Message) -> Any:
    """The numbers of a batch's frames, its clock after them; of anything else the type."""
    if message["type"] != "frame_batch":
        return message["type"]
    frames = [frame["frame_seq"] for frame in message["frames"]]
    return [*frames, f"clock {message['clock_ms']:g}"] if "clock_ms" in message else frames


def serve(peer: Peer, batches: int) -> None:
    """Take so many batches, and end the session once that is asked for."""
    peer.greet()
    for _ in range(batches):
        peer.ack(peer.hear())
    end(peer)


def end(peer: Peer) -> None:
    peer.hear()
    peer.done(5)
    peer.socket.close(1000)


def served(batches: int) -> Script:
    return lambda peer: serve(peer, batches)


def unanswered(peer: Peer) -> None:
    peer.greet()
    for _ in range(3):
        peer.hear()


def closing(code: int) -> Script:
    """With three batches unanswered."""

    def script(peer: Peer) -> None:
        unanswered(peer)
        peer.socket.close(code)

    return script


def refusing(code: int, error: str, **details: Any) -> Script:
    return lambda peer: peer.refuse(code, error, **details)


def cut(peer: Peer) -> None:
    """Without a word, as a network does."""
    unanswered(peer)
    peer.socket.socket.shutdown(socket.SHUT_RDWR)


def frozen_from(asked: Callable[[Peer], None]) -> Script:
    """Nothing is answered after `asked`, until the client comes again."""

    def script(peer: Peer) -> None:
        asked(peer)
        with peer.frozen():
            peer.followed.wait(DEADLINE_SECONDS)

    return script


def says_nothing(_: Peer) -> None:
    pass


def first_acknowledged(peer: Peer) -> None:
    peer.greet()
    batch = peer.hear()
    peer.events(batch, "a")
    peer.ack(batch)
    peer.events(peer.hear(), "b")
    peer.hear()
    peer.socket.close(1012)


def events_again(peer: Peer) -> None:
    peer.greet(last_batch_seq=2, last_frame_seq=4)
    batch = peer.hear()
    peer.events(batch, "b", "c")
    indexes, reason = [0, 1], "frame_seq_not_increasing"
    rejected = [{"index": index, "reason": reason} for index in indexes]
    of_frames = {"rejected_frame_indexes": indexes, "rejected_frames": rejected}
    peer.ack(batch, accepted_frame_count=0, **of_frames)
    batch = peer.hear()
    peer.events(batch, "d")
    peer.ack(batch, accepted_frames_total=5)
    end(peer)


def without_an_end(peer: Peer) -> None:
    peer.greet()
    for _ in range(3):
        peer.ack(peer.hear())
    peer.hear()
    peer.socket.close(1011)


def cancelled(peer: Peer) -> None:
    peer.greet()
    for _ in range(3):
        peer.hear()
    peer.done(4, status="cancelled", terminal_outcome="cancelled")
    peer.socket.close(1000)


def some_rejected(peer: Peer) -> None:
    peer.greet()
    reasons = ["image_landmarks", "frame_seq_not_increasing"]
    rejected: list[dict[str, Any]] = [
        {"index": index, "reason": reason} for index, reason in enumerate(reasons)
    ]
    rejected[0]["detail"] = "the middle of the hips is elsewhere"  # an older server tells none
    for number in range(3):
        batch = peer.hear()
        mine = rejected[: len(batch["frames"])] if number != 1 else []
        peer.ack(batch, rejected_frames=mine)
    end(peer)


def pinged(peer: Peer) -> None:
    peer.greet()
    batches = [peer.hear() for _ in range(3)]
    peer.say("ping")
    peer.hear()
    for batch in batches:
        peer.ack(batch)
    end(peer)


def ended_by_itself(peer: Peer) -> None:
    peer.greet()
    for _ in range(3):
        peer.ack(peer.hear())
    peer.done(5, repetitions={"squat": 2}, new_field=[1])
    peer.socket.close(1000)


def held_once_ready(peer: Peer) -> None:
    ready = {"state": "ready", "missing": []}
    peer.greet(readiness={"state": "no_person", "missing": []})
    peer.ack(peer.hear(), readiness={"state": "positioning", "missing": ["left_heel", "view"]})
    peer.ack(peer.hear(), readiness=ready)
    held = {"event_key": "plank", "held_ms": 80}
    peer.ack(peer.hear(), readiness=ready, hold=held, events_thinned=3)
    end(peer)


def of_an_earlier_client(peer: Peer) -> None:
    peer.greet(last_batch_seq=4, last_frame_seq=90)
    for _ in range(3):
        peer.ack(peer.hear())
    end(peer)


ENDED = {"status": "failed", "terminal_outcome": "abandoned"}
BATCHES = [[1, 2], [3, 4], [5]]
WHOLE = [*BATCHES, "finalize"]
ATTACH_AGAIN = (1000, 1011, 1012, 4408, 4999)
STOP = {
    1002: None,
    1007: None,
    1009: None,
    4400: "message_invalid",
    4401: "runtime_token_expired",
    4403: "project_suspended",
    4404: "not_found",
    4409: "session_superseded",
    4413: "batch_too_large",
}

CASES = [
    Case(name="undisturbed", scripts=(served(3),), heard=[WHOLE], went=COMPLETED),
    *(
        Case(
            name=f"closed with {code}, which passes",
            scripts=(closing(code), served(3)),
            heard=[BATCHES, WHOLE],
            went=completed(attaches=2),
        )
        for code in ATTACH_AGAIN
    ),
    Case(
        # The waits grow until a batch is acknowledged: 0.1 s doubled, the half of each at least.
        name="attached and closed at once, time and again",
        scripts=(*5 * (closing(1012),), served(3)),
        heard=[*5 * [BATCHES], WHOLE],
        went=completed(attaches=6),
        least_seconds=1.55,
    ),
    Case(
        name="cut without a close",
        scripts=(cut, served(3)),
        heard=[BATCHES, WHOLE],
        went=completed(attaches=2),
    ),
    *(
        Case(
            name=f"closed with {code}, for good",
            scripts=(closing(code) if error is None else refusing(code, error), served(3)),
            heard=[BATCHES if error is None else []],
            went=Went(
                refused_with=code,
                code=error or "stream_closed",
                accepted_frames=0,
                attaches=int(error is None),
            ),
        )
        for code, error in STOP.items()
    ),
    Case(
        name="a proxy that finds no server",
        scripts=((502, {}), (503, {}), served(3)),
        heard=[[], [], WHOLE],
        went=COMPLETED,
    ),
    *(
        Case(
            name=f"told to wait by {error}",
            scripts=(refusing(code, error, retry_after_seconds=1), served(3)),
            heard=[[], WHOLE],
            went=COMPLETED,
            least_seconds=1,
        )
        for code, error in ((4429, "rate_limited"), (1013, "state_unreadable"))
    ),
    Case(
        name="ended before, told on an attach, nothing retried",
        scripts=(
            closing(1012),
            refusing(4410, "session_already_ended", **ENDED, accepted_frames_total=7),
            served(3),
        ),
        heard=[BATCHES, []],
        went=completed(
            status="failed", outcome="abandoned", has_missed_events=True, accepted_frames=7
        ),
    ),
    Case(
        name="what was not acknowledged is sent again, and each event comes once",
        scripts=(first_acknowledged, events_again),
        heard=[BATCHES, [[3, 4], [5], "finalize"]],
        went=completed(attaches=2, events=["a", "b", "c", "d"]),
    ),
    Case(
        name="a lost finalize is sent again",
        scripts=(without_an_end, served(0)),
        heard=[WHOLE, ["finalize"]],
        went=completed(attaches=2),
    ),
    Case(
        name="a cancel waits for no ack",
        scripts=(cancelled,),
        heard=[[[1, 2], [3, 4], "cancel"]],
        went=completed(status="cancelled", outcome="cancelled", accepted_frames=4),
        ending="cancel",
        moments=((0, True), (40, True), (80, True), (120, True)),
    ),
    Case(
        name="a clock once nobody has been seen for 2 s, and once",
        scripts=(served(3),),
        heard=[[[1, 2], ["clock 2080"], [3, "clock 4200"], "finalize"]],
        went=COMPLETED,
        moments=[
            *((0, True), (40, True), (1000, False), (2080, False)),
            *((3000, False), (4100, True), (4200, False)),
        ],
    ),
    Case(
        name="frames that were rejected are told, but for those that were sent again",
        scripts=(some_rejected,),
        heard=[WHOLE],
        went=completed(rejections={"image_landmarks": 2}),
        warned="The platform takes none of the frames: image_landmarks (1). Give world landmarks, "
        "in metres from the middle of the hips.\n",
    ),
    Case(
        name="a ping is answered",
        scripts=(pinged,),
        heard=[[*BATCHES, "pong", "finalize"]],
        went=COMPLETED,
    ),
    Case(
        name="a session that ends by itself, and fields that are not known",
        scripts=(ended_by_itself,),
        heard=[BATCHES],
        went=completed(repetitions={"squat": 2}),
    ),
    Case(
        name="readiness is told at each change, and a hold",
        scripts=(held_once_ready,),
        heard=[WHOLE],
        went=completed(told=[["no_person"], ["positioning", "left_heel", "view"], ["ready"], 80]),
    ),
    Case(
        name="numbers go on after those of an earlier client",
        scripts=(of_an_earlier_client,),
        heard=[[[91, 92], [93, 94], [95], "finalize"]],
        went=COMPLETED,
    ),
    Case(
        name="a server that is frozen while an ack is due is left",
        scripts=(frozen_from(unanswered), served(3)),
        heard=[BATCHES, WHOLE],
        went=completed(attaches=2),
        silent_seconds=3,
    ),
    Case(
        name="a server that is frozen before it speaks is left",
        scripts=(frozen_from(says_nothing), served(3)),
        heard=[[], WHOLE],
        went=COMPLETED,
        silent_seconds=3,
    ),
]
