"""GET /api/export, as a client sees it"""

import json
import tracemalloc
import uuid
from collections import defaultdict
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from engine_work import whole
from lifecycle_scene import at, sweep
from plans import add_sessions, analyze_sessions, run

from sessions_app import export
from sessions_app.checkpoints import NewEvent
from sessions_app.lifecycle import sessions_remove
from sessions_app.models import DetectionEvent, DetectionSession, SessionAttach
from tests.api.api_requests import nothing_changes, refused_fields
from tests.conftest import SESSIONS, Machine, make_released

EXPORT = "/api/export"
UNTIL = "Kyna-Export-Until"
MIB = 1024 * 1024


class Clock:
    def __init__(self) -> None:
        self.seconds = 10_000.0


@pytest.fixture(autouse=True)
def time(monkeypatch):
    time = Clock()
    monkeypatch.setattr("kynaplatform.clock.now", lambda *_: at(time.seconds))
    return time


@pytest.fixture(autouse=True)
def _at_leisure(monkeypatch):
    """What a page of these tests has is said by its bytes, on a slow machine too."""
    monkeypatch.setattr(export, "MAX_WORK_SECONDS", 3600)


@pytest.fixture
def reader(owner, time):
    owner.token = owner.token_with("sessions:read")
    return owner


@pytest.fixture
def small(monkeypatch):
    """Pages and statements as if of a project that is a thousand times as large."""
    monkeypatch.setattr(export, "MAX_PAGE_BYTES", 4_000)
    monkeypatch.setattr(export, "SESSIONS_AT_ONCE", 2)
    monkeypatch.setattr(export, "EVENTS_AT_ONCE", 3)


def moment(seconds):
    return at(seconds).isoformat().replace("+00:00", "Z")


def asked(**parameters):
    return f"{EXPORT}?{urlencode(parameters)}" if parameters else EXPORT


def page_at(machine: Machine, address: str):
    """The lines of one page, its bytes, and the address of the next if there is one."""
    response = machine.get(address)
    assert response.status_code == 200, response.getvalue()
    assert response.headers["Content-Type"] == "application/x-ndjson"
    body = response.getvalue()
    assert int(response.headers["Content-Length"]) == len(body)
    assert body == b"" or body.endswith(b"\n")
    link = response.headers.get("Link", "")
    assert (UNTIL in response.headers) is not bool(link)
    following = link.removeprefix("<http://testserver").removesuffix('>; rel="next"')
    lines = [json.loads(line) for line in body.splitlines()]
    return lines, len(body), following, response.headers.get(UNTIL)


def pages(machine, address):
    """All pages, and until when the sessions in them were created."""
    found = []
    while address:
        lines, size, address, until = page_at(machine, address)
        found.append((lines, size))
    return found, until


def exported(machine, **parameters):
    """Session → its events, joined; and until when."""
    found, until = pages(machine, asked(**parameters))
    return joined([lines for lines, _ in found]), until


def joined(of_pages):
    """Session → its events, of lines that follow each other."""
    events, continues, last = {}, False, None
    for line in (line for lines in of_pages for line in lines):
        session = line["session"]["session_id"]
        assert continues is (session == last)
        assert (session in events) is continues
        events.setdefault(session, []).extend(line["events"])
        continues, last = line["continues"], session
    assert not continues
    return events


def numbered(count, text=""):
    return [
        NewEvent(n, n, 40.0 * n, "shape_enter", {"shape_key": f"{text}{n}", "confidence": 1.0})
        for n in range(1, count + 1)
    ]


def ended(scene, seconds, events=0, text=""):
    """A session that was created at `seconds`, and cancelled a second later."""
    session_id, holder = scene.streaming(seconds)
    scene.checkpoint(session_id, holder, 1, seconds, events=numbered(events, text))
    scene.cancel(session_id, seconds + 1)
    return session_id


def test_a_line_has_the_record_and_the_events_as_they_are_read(reader, scene):
    session_id, holder = scene.streaming()
    scene.checkpoint(session_id, holder, 1, 1, work=whole())
    scene.finalize(session_id, 2)
    scene.finish(session_id, holder, 2)
    (line,), _, following, until = page_at(reader, EXPORT)
    assert line == {
        "session": reader.get(f"{SESSIONS}/{session_id}").json(),
        "events": reader.get(f"{SESSIONS}/{session_id}/events").json(),
        "continues": False,
    }
    assert len(line["events"]) == 6
    assert (following, until) == ("", moment(10_000 - 60))


def test_the_pages_join_to_the_whole_while_sessions_end_and_begin(reader, scene, small, time):
    """Each of many rounds: a page is read, then somebody ends, cancels, and begins."""
    time.seconds = 100
    sizes = [0, 1, 2, 3, 5, 9, 14, 30]
    live, of_pages, following, froms, halts = [], [], EXPORT, [], 0
    # Some of one moment.
    ids = {str(ended(scene, 5, events=4)) for _ in range(9)}
    for n in range(60):
        session_id, holder = scene.streaming(time.seconds)
        scene.checkpoint(session_id, holder, 1, time.seconds, events=numbered(sizes[n % 8]))
        live.append((session_id, holder))
        if n % 3 and len(live) > 1:
            # Not the oldest: that one holds up all that were created since.
            session_id, holder = live.pop(len(live) // 2)
            scene.fail(session_id, holder, time.seconds)
        if n % 5 == 4:
            for session_id, _ in live:
                scene.cancel(session_id, time.seconds)
            live.clear()
        time.seconds += 20
        lines, size, following, until = page_at(reader, following)
        assert size <= 4_000
        of_pages.append(lines)
        if not following:
            halts += bool(live) and until == moment(100 + 20 * 5 * (n // 5))
            froms.append(until)
            following = asked(**{"from": until})
        reader.token = reader.token_with("sessions:read")
    time.seconds += 60
    rest, _ = pages(reader, following)
    events = joined([*of_pages, *(lines for lines, _ in rest)])
    stored = defaultdict(list)
    for session_id in DetectionSession.objects.order_by("created_at", "id").values_list(
        "id", flat=True
    ):
        stored[str(session_id)] = [event.payload for event in scene.events(session_id)]
    assert ids < set(events)
    assert list(events) == list(stored)
    assert {id_: [event["payload"] for event in found] for id_, found in events.items()} == stored
    # It went on from such moments, some of which a live session had set, and split sessions.
    assert froms == sorted(froms)
    assert halts > 5
    assert any(line["continues"] for lines in of_pages for line in lines)


def test_ranges_that_follow_each_other_join(reader, scene):
    ids = [str(ended(scene, seconds)) for seconds in (0, 100, 200, 300)]
    assert list(exported(reader, to=moment(100))[0]) == ids[:1]
    assert list(exported(reader, **{"from": moment(100), "to": moment(300)})[0]) == ids[1:3]
    assert list(exported(reader, **{"from": moment(300)})[0]) == ids[3:]
    # With an offset, of no length, and at both ends of the calendar.
    of_one = {"from": "2031-05-01T14:01:40+02:00", "to": moment(100)}
    assert exported(reader, **of_one) == ({}, moment(100))
    last = exported(reader, **{"from": "9999-12-31T23:59:59-14:00"})
    assert last == ({}, "9999-12-31T23:59:59.999999Z")
    assert exported(reader, to="0001-01-01T00:00:00+14:00") == ({}, "0001-01-01T00:00:00Z")


def test_it_ends_before_the_first_live_session_and_a_minute_before_now(reader, scene, time):
    first = ended(scene, 0)
    second, holder = scene.streaming(100)
    third = ended(scene, 200)
    time.seconds = 260
    assert exported(reader) == ({str(first): []}, moment(100))
    # One that begins later is not held up by it, never goes back, and ends a minute before now.
    assert exported(reader, **{"from": moment(150)}) == ({}, moment(200))
    time.seconds = 260.001
    assert list(exported(reader, **{"from": moment(150)})[0]) == [str(third)]
    assert exported(reader, **{"from": moment(290)}) == ({}, moment(290))
    # Its deadline has passed; its last events are written with its end.
    scene.checkpoint(second, holder, 1, 210, events=numbered(2))
    time.seconds = 9_000
    reader.token = reader.token_with("sessions:read")
    assert exported(reader, **{"from": moment(100)}) == ({}, moment(100))
    sweep(9_000)
    found, until = exported(reader, **{"from": moment(100)})
    assert (list(found), until) == ([str(second), str(third)], moment(8_940))
    assert len(found[str(second)]) == 2


def add_events(session_id, first, last, payload):
    """Events of these sequences; `payload` is SQL over `n`."""
    run(
        "INSERT INTO detection_event (session_id, sequence, frame_seq, ts_ms, type, payload) "  # noqa: S608
        f"SELECT '{session_id}', n, n, n * 40.5, 'feedback', {payload} "
        f"FROM generate_series({first}, {last}) n"
    )


def test_a_page_has_1_mib_at_most_in_little_memory_and_few_statements(reader, scene):
    """Of a session that alone has 12 MiB, between others; and of thousands without an event."""
    before, giant, after = (ended(scene, seconds, events=1) for seconds in (0, 10, 20))
    message = "jsonb_build_object('message', repeat('Chest ü', 55), 'number', n)"
    add_events(giant, 2, 20_000, message)
    totals = dict.fromkeys(("events_total", "counted_events_total"), 20_000)
    DetectionSession.objects.filter(id=giant).update(**totals)
    later = "'2031-05-01 13:00Z'::timestamptz + n * interval '0.1 s'"
    add_sessions(reader, scene.movespec, 9_000, created_at=later)
    analyze_sessions()
    run("ANALYZE detection_event")
    address, addresses, found = EXPORT, [], []
    while address:
        addresses.append(address)
        with CaptureQueriesContext(connection) as queries:
            lines, size, address, _ = page_at(reader, address)
        sessions = len({line["session"]["session_id"] for line in lines})
        events = sum(len(line["events"]) for line in lines)
        # Who asks; the project's place, in a transaction; what has not ended; and of what begins
        # the next page one too many of sessions, and up to a page of events. Before a statement
        # of sessions comes one that leaves plans no choice.
        assert len(queries) <= 6 + 2 * (sessions // 100 + 2) + events // 500 + 4
        assert size <= MIB
        found.append((lines, size))
    first, second, *_ = ([tuple(line.values()) for line in lines] for lines, _ in found)
    assert [(line[0]["session_id"], line[2]) for line in first] == [(str(before), False)]
    assert [(line[0]["session_id"], line[2]) for line in second] == [(str(giant), True)]
    assert found[1][1] > MIB - 1_000
    events = joined([lines for lines, _ in found])
    assert [id_ for id_, its in events.items() if its] == [str(before), str(giant), str(after)]
    numbers = [event["payload"].get("number", 1) for event in events[str(giant)]]
    assert numbers == [*range(1, 20_001)]
    assert len(events) == 9_003
    tracemalloc.start()
    response = reader.get(addresses[1])
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(response.getvalue()) == found[1][1]
    # Of the page as it grows, and of what a statement reads.
    assert most_bytes < 6 * MIB


def test_a_page_whose_time_is_over_has_one_event_or_session_and_the_next_goes_on(
    reader, scene, monkeypatch
):
    monkeypatch.setattr(export, "MAX_WORK_SECONDS", 0)
    ids = [
        str(ended(scene, seconds, events=n)) for seconds, n in ((0, 0), (10, 3), (20, 1), (30, 0))
    ]
    found, _ = pages(reader, EXPORT)
    of_pages = [lines for lines, _ in found]
    assert [[len(line["events"]) for line in lines] for lines in of_pages] == [
        [0], [1], [1], [1], [1], [0]
    ]  # fmt: skip
    assert list(joined(of_pages)) == ids


def test_a_session_that_is_erased_between_its_pages_ends_there(reader, scene, small):
    first, giant, last = ended(scene, 0), ended(scene, 10, events=60), ended(scene, 20)
    (line,), _, following, _ = page_at(reader, EXPORT)
    (half,), _, following, _ = page_at(reader, following)
    assert (half["session"]["session_id"], half["continues"]) == (str(giant), True)
    DetectionEvent.objects.filter(session_id=giant).delete()
    lines, _, _, _ = page_at(reader, following)
    assert [one["events"] for one in lines] == [[], []]
    SessionAttach.objects.filter(session_id=giant).delete()
    DetectionSession.objects.filter(id=giant).delete()
    lines, _, _, _ = page_at(reader, following)
    assert [one["session"]["session_id"] for one in lines] == [str(last)]
    assert line["session"]["session_id"] == str(first)


@pytest.mark.parametrize("read_before", [0, 1, 3])
def test_a_session_that_is_deleted_while_its_page_is_made_is_left_out(
    reader, scene, small, monkeypatch, read_before
):
    """By retention, or an erasure: also once a part of its events is on the page."""
    first, doomed, last = ended(scene, 0), ended(scene, 10, events=12), ended(scene, 20, events=1)
    slices = 0
    slice_of = export._slice_of

    def deleted_between(session, after, up_to):
        nonlocal slices
        if session.id == doomed:
            if slices == read_before:
                sessions_remove([doomed])
            slices += 1
        return slice_of(session, after, up_to)

    monkeypatch.setattr(export, "_slice_of", deleted_between)
    monkeypatch.setattr(export, "MAX_PAGE_BYTES", 40_000)
    lines, _, following, _ = page_at(reader, EXPORT)
    assert [one["session"]["session_id"] for one in lines] == [str(first), str(last)]
    assert (following, slices) == ("", read_before + 1)


def test_events_that_retention_takes_while_the_page_is_made_are_still_counted(
    reader, scene, monkeypatch
):
    session, holder = scene.streaming()
    scene.checkpoint(session, holder, 1, 1, work=whole())
    scene.cancel(session, 2)
    slice_of = export._slice_of

    def taken_before(*given):
        DetectionEvent.objects.filter(session_id=session).delete()
        return slice_of(*given)

    monkeypatch.setattr(export, "_slice_of", taken_before)
    (line,), _, _, _ = page_at(reader, EXPORT)
    assert (line["session"]["repetitions"], line["events"]) == ({"squat": 1}, [])


def test_another_project_s_sessions_are_never_exported(reader, scene, peer, outsider, small):
    mine = [str(ended(scene, seconds, events=20)) for seconds in (0, 10)]
    _, _, following, _ = page_at(reader, EXPORT)
    for machine in (peer, outsider):
        make_released(machine.project)
        machine.token = machine.token_with("sessions:read")
        assert exported(machine) == ({}, moment(10_000 - 60))
        # By a cursor of theirs, also within one of their sessions.
        assert page_at(machine, following)[0] == []
        within = export.Start(at(0), uuid.UUID(mine[0]), 1)
        assert page_at(machine, asked(cursor=within.cursor))[0] == []
    assert list(exported(reader)[0]) == mine


def test_it_refuses_what_is_no_cursor_and_a_bad_range(reader, scene):
    ended(scene, 0)
    with nothing_changes():
        for cursor in ("", "A" * 31, "A" * 32 + ".0", "A" * 32 + ".12345678901", "_" * 32):
            refused_fields(reader.get(f"{EXPORT}?cursor={cursor}"), "cursor")
        for field, text in (("from", "2031-05-01T12:00:00"), ("to", "yesterday")):
            refused_fields(reader.get(asked(**{field: text})), field)


def test_any_cursor_in_form_is_a_place(reader, scene):
    session_id = ended(scene, 0, events=2)
    place = export.Start(at(0), session_id)
    for sequence in (1, 2, 3, 9_999_999_999):
        lines = page_at(reader, asked(cursor=place._replace(sequence=sequence).cursor))[0]
        assert [len(line["events"]) for line in lines] == [max(0, 2 - sequence)]
    elsewhere = export.Start(at(0) - timedelta(days=1), uuid.UUID(int=0))
    assert len(page_at(reader, asked(cursor=elsewhere.cursor))[0]) == 1
    assert page_at(reader, asked(cursor=elsewhere._replace(created_at=at(9_999)).cursor))[0] == []
