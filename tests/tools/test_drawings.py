"""What the pages show of the figure is what poses/ and the engine say today"""

import json
import struct

from dev.local_stack.environment import PROJECT
from dev.tools.drawings import REPETITIONS, SQUATS, outdated


def test_what_is_committed_is_what_the_code_draws() -> None:
    assert [*outdated()] == [], "`python -m dev.tools.drawings` rewrites it"


def test_the_loop_has_each_repetition() -> None:
    loop = json.loads(SQUATS.read_text())
    types = [event["type"] for event in loop["events"]]
    assert types.count("event_completed") == REPETITIONS
    assert len(loop["frames"]) == len(loop["knee"])
    assert {len(frame) for frame in loop["frames"]} == {len(loop["frames"][0])}
    assert loop["events"][-1]["ts_ms"] <= loop["step_ms"] * (len(loop["frames"]) - 1)


def test_the_picture_of_shared_links_has_the_size_that_the_pages_say() -> None:
    head = (PROJECT / "guides/static/guides/share.png").read_bytes()[:24]
    assert struct.unpack(">II", head[16:24]) == (1200, 630)
