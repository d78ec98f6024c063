"""When a cue fires."""

from engine_scene import at, bent, completed, held, movespec, run, swinging, told

UP, DOWN = bent(178), bent(80)


def cues(*feedback: str, turns: tuple[float, ...] = (178, 80, 178)) -> list[str]:
    events = run(movespec(feedback=feedback), at(swinging(turns)))
    return [line for line in told(events) if line.startswith(("feedback", "event"))]


def test_a_cue_without_a_joint_fires_on_entry() -> None:
    events = run(
        movespec(feedback=["{when: bottom, message: Down.}"]), held((UP, 500), (DOWN, 500))
    )
    enter = next(i for i, line in enumerate(told(events)) if line == "shape_enter:bottom")
    assert told(events)[enter + 1] == "feedback:Down."
    assert events[enter + 1].ts_ms == events[enter].ts_ms
    assert events[enter + 1].payload == {"level": "coaching", "message": "Down.", "key": None}


def test_a_cue_fires_at_the_first_frame_where_its_criterion_holds() -> None:
    spec = movespec(
        feedback=["{when: bottom, joint: knee, angle_max: 70, level: info, message: Deep.}"]
    )
    events = run(spec, held((UP, 500), (bent(90), 500), (bent(60), 500)))
    (cue,) = [event for event in events if event.type == "feedback"]
    assert cue.payload == {"level": "info", "message": "Deep.", "key": None}
    assert 1000 < cue.ts_ms < 1150


def test_a_cue_fires_once_per_stay() -> None:
    cue = "{when: bottom, joint: knee, angle_max: 70, message: Deep.}"
    assert cues(cue, turns=(178, 60, 98, 60, 178)).count("feedback:Deep.") == 1
    assert cues(cue, turns=(178, 60, 178, 60, 178)).count("feedback:Deep.") == 2


def test_several_cues_fire_in_the_order_of_the_document() -> None:
    feedback = ["{when: bottom, message: B.}", "{when: bottom, message: A.}"]
    assert cues(*feedback)[:2] == ["feedback:B.", "feedback:A."]


def test_the_joints_of_cues_do_not_make_a_pose_usable() -> None:
    spec = movespec(feedback=["{when: bottom, joint: elbow, angle_max: 10, message: Arms.}"])
    legs = range(23, 33)
    legless = tuple(
        mark._replace(visibility=0.0) if n in legs else mark for n, mark in enumerate(DOWN)
    )
    events = run(spec, held((UP, 500), (DOWN, 500), (legless, 3000)))
    assert told(events)[-1] == "event_interrupted:pose_lost"
    assert completed(events) == 0
