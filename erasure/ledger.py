"""The ledger of erasures, exported to a file apart from the database and its backups.

`apply_erasures` reads the file after a restore. A line is written before its row is marked as
exported: a process that dies in between writes the line twice.
"""

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import msgspec
from django.db.models import Min, Q
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from common.slices import SLICE, delete_in_slices
from erasure.erasures import sessions_cancel
from erasure.models import ErasedSession, Erasure, Kind, digest_of
from kynaplatform import clock
from kynaplatform.api.schemas import from_row
from projects.models import Organization, Project
from sessions_app.lifecycle import sessions_erase, within_a_batch
from sessions_app.models import DetectionSession, LastRun

# Backups may not be kept longer.
KEPT: Final = timedelta(days=400)
SESSION: Final = "session"
LINES_AT_ONCE: Final = 5000
# The name of the export's last run.
EXPORT: Final = "export_erasures"


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the file: a session, or an erasure."""

    kind: str
    id: UUID
    at: datetime
    organization_id: UUID | None = None
    project_id: UUID | None = None
    subject_digest: str | None = None


_decode = msgspec.json.Decoder(Line).decode


def sessions_note(*, ids: Sequence[UUID], now: datetime, **_: Any) -> None:
    """Record the erasure of sessions, of which some may be recorded already."""
    ErasedSession.objects.bulk_create(
        [ErasedSession(id=id_, erased_at=now) for id_ in ids], ignore_conflicts=True
    )


def export(path: Path, *, now: datetime, slice_size: int = SLICE) -> int:
    """Append what the file lacks; returns the number of lines. Raises OSError.

    Rows are not locked: the worker locks that of the erasure it is running.
    """
    written = 0
    with _locked(path) as file:
        for model in (ErasedSession, Erasure):
            rows: Any = model._default_manager
            unexported = rows.filter(exported_at__isnull=True).order_by("id")
            while some := [*unexported[:slice_size]]:
                _append(file, [_line(row) for row in some])
                rows.filter(id__in=[row.id for row in some]).update(exported_at=now)
                written += len(some)
    return written


def lines_of(path: Path) -> Iterator[Line | None]:
    """The file's lines; None for an unreadable one. Raises OSError."""
    with path.open("rb") as file:
        for text in file:
            if text.strip():
                try:
                    yield _decode(text)
                except msgspec.DecodeError:
                    yield None


def prune(*, now: datetime) -> int:
    """Delete ledger rows that are older than any backup."""
    sessions = ErasedSession.objects.filter(erased_at__lt=now - KEPT).order_by("erased_at")
    erasures = Erasure.objects.filter(requested_at__lt=now - KEPT, ended_at__isnull=False)
    return delete_in_slices(sessions) + delete_in_slices(erasures.order_by("requested_at"))


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO | Any]:
    """The file, created if missing, and locked; opens it again if it was replaced meanwhile."""
    while True:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                folder = os.open(path.parent, os.O_RDONLY)
                try:
                    os.fsync(folder)
                finally:
                    os.close(folder)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                yield file
                return


def _line(row: Any) -> Line:
    if isinstance(row, ErasedSession):
        return Line(kind=SESSION, id=row.id, at=row.erased_at)
    return from_row(Line, row, at=row.requested_at)


def _append(file: BinaryIO | Any, lines: Sequence[Line]) -> None:
    """Append and sync lines, after ending a line that a killed process left unfinished."""
    end = file.seek(0, os.SEEK_END)
    is_torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    written = memoryview(b"\n" + text if is_torn else text)
    while written:
        written = written[file.write(written) :]
    os.fsync(file.fileno())


# --- After a restore ------------------------------------------------------------------------


def erase_again(lines: Iterable[Line], *, now: datetime) -> int:
    """Erase the sessions of `lines` and make their erasures pending; returns the erased sessions.

    Ignores lines older than any backup, and erasures that the database has. Call `erasures_go_on`
    until none is pending.
    """
    sessions = 0
    known = {*Erasure.objects.values_list("id", flat=True)}
    remaining = (line for line in lines if line.at >= now - KEPT and line.id not in known)
    erasures: list[Line] = []
    while some := [*islice(remaining, LINES_AT_ONCE)]:
        sessions += _sessions([line for line in some if line.kind == SESSION], now)
        erasures += [line for line in some if line.kind != SESSION]
    _take_up(erasures, now)
    return sessions


def _sessions(lines: list[Line], now: datetime) -> int:
    ids = {line.id for line in lines}
    there = DetectionSession.objects.filter(id__in=ids)
    sessions_cancel(there, now)
    erased = 0
    ended = there.ended()
    while batch := within_a_batch(ended):
        erased += sessions_erase(batch, now=now)
    # The ledger has them again, whether the sessions existed or not.
    rows = [ErasedSession(id=one.id, erased_at=one.at, exported_at=now) for one in lines]
    ErasedSession.objects.bulk_create(rows, ignore_conflicts=True)
    return erased


def _take_up(lines: list[Line], now: datetime) -> None:
    """Make erasures pending if their person, project or organization exists."""
    of_people = defaultdict(list)
    for line in lines:
        if line.kind == Kind.SUBJECT and line.project_id:
            of_people[line.project_id].append(line)
    sessions = DetectionSession.objects.filter(Q(project_id__in=of_people), subject__isnull=False)
    of_subjects = sessions.order_by().values_list("project_id", "subject")
    subjects: dict[UUID, str] = {
        line.id: subject
        for project_id, subject, first in of_subjects.annotate(Min("created_at")).iterator()
        for line in of_people[project_id]
        if subject and first <= line.at and digest_of(line.id, subject) == line.subject_digest
    }
    owners = {
        *Project.objects.values_list("id", flat=True),
        *Organization.objects.values_list("id", flat=True),
    }
    found = {*subjects} | {
        line.id
        for line in lines
        if line.kind != Kind.SUBJECT and (line.project_id or line.organization_id) in owners
    }
    rows = [
        Erasure(
            id=line.id,
            kind=line.kind,
            organization_id=cast(UUID, line.organization_id),  # only a session's line lacks it
            project_id=line.project_id,
            subject=subjects.get(line.id),
            subject_digest=line.subject_digest,
            requested_at=line.at,
            exported_at=now,
            ended_at=None if line.id in found else now,
        )
        for line in lines
    ]
    Erasure.objects.bulk_create(rows, ignore_conflicts=True)


# --- Metrics --------------------------------------------------------------------------------


def ledger_metrics() -> Iterator[Metric]:
    """Reads only partial indexes: of pending erasures, and of rows that aren't exported."""
    sessions = ErasedSession.objects.filter(exported_at__isnull=True).order_by("id")
    erasures = Erasure.objects.filter(exported_at__isnull=True).order_by("id")
    now = clock.now()
    unexported = [
        *sessions.values_list("erased_at", flat=True)[:SLICE],
        *erasures.values_list("requested_at", flat=True)[:SLICE],
    ]
    last = LastRun.objects.filter(name=EXPORT).first()
    pending = Erasure.objects.filter(ended_at__isnull=True)
    begun = pending.aggregate(begun=Min("requested_at"))["begun"]
    yield GaugeMetricFamily(
        "kyna_erasures_pending_seconds",
        "How long ago the oldest erasure was asked for that goes on; 0: none does.",
        value=max(0.0, (now - (begun or now)).total_seconds()),
    )
    yield GaugeMetricFamily(
        "kyna_erasures_unexported_seconds",
        "How long ago the oldest was erased that is not in the ledger's file; 0: all is.",
        value=max(0.0, (now - min(unexported, default=now)).total_seconds()),
    )
    yield GaugeMetricFamily(
        "kyna_erasures_exported_timestamp_seconds",
        "When `export_erasures` last ended well; 0: never.",
        value=last.ended_at.timestamp() if last else 0.0,
    )
