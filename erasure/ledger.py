"""The ledger of what was erased, which is kept apart from the database and its backups.

A backup that is older than an erasure brings back what was erased, and knows nothing of it. So
`export_erasures` appends the ledger to a file, and after a restore `apply_erasures` reads it. A
line is in the file before its row says so: a process that dies in between writes it twice.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from erasure.models import ErasedSession, Erasure
from kynaplatform.api.chunks import CHUNK, change_in_chunks

# No backup may be kept for longer.
KEPT: Final = timedelta(days=400)
SESSION: Final = "session"


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
    """Keep that these sessions were erased; they may have been before."""
    ErasedSession.objects.bulk_create(
        [ErasedSession(id=id_, erased_at=now) for id_ in ids], ignore_conflicts=True
    )


def digest_of(erasure_id: UUID, subject: str) -> str:
    """What the ledger has in a subject's place: another one for each erasure."""
    return hashlib.sha256(f"{erasure_id} {subject}".encode()).hexdigest()


def export(path: Path, *, now: datetime, chunk_size: int = CHUNK) -> int:
    """Append to the file what it has not yet. Returns the number of lines. Raises OSError."""
    with _held(path) as file:
        erased = ErasedSession.objects.filter(exported_at__isnull=True).order_by("id")

        def append(ids: list[UUID]) -> None:
            _append_rows(file, ErasedSession.objects.filter(id__in=ids), now)

        written = change_in_chunks(erased, append, chunk_size)
        # Of one that the worker is at the row is held, and its line is written all the same.
        unexported = Erasure.objects.filter(exported_at__isnull=True).order_by("id")
        while ids := [*unexported.values_list("id", flat=True)[:chunk_size]]:
            written += _append_rows(file, Erasure.objects.filter(id__in=ids), now)
    return written


def lines_of(path: Path) -> Iterator[Line | None]:
    """The lines of the file; None is one that can't be read. Raises OSError."""
    with path.open("rb") as file:
        for text in file:
            if text.strip():
                try:
                    yield _decode(text)
                except msgspec.DecodeError:
                    yield None


def prune(*, now: datetime, chunk_size: int = CHUNK) -> int:
    """Delete rows of the ledger that no backup is old enough for."""
    sessions = ErasedSession.objects.filter(erased_at__lt=now - KEPT).order_by("erased_at")
    erasures = Erasure.objects.filter(requested_at__lt=now - KEPT, ended_at__isnull=False)
    return change_in_chunks(
        sessions, lambda ids: ErasedSession.objects.filter(id__in=ids).delete(), chunk_size
    ) + change_in_chunks(
        erasures.order_by("requested_at"),
        lambda ids: Erasure.objects.filter(id__in=ids).delete(),
        chunk_size,
    )


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO | Any]:
    """The file, made where it is not there, and locked; not one that was replaced meanwhile."""
    while True:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if is_new:
                _sync_folder(path)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                yield file
                return


def _append_rows(file: BinaryIO | Any, rows: QuerySet[Any], now: datetime) -> int:
    lines = [_line(row) for row in rows]
    _append(file, lines)
    rows.update(exported_at=now)
    return len(lines)


def _line(row: Any) -> Line:
    if isinstance(row, ErasedSession):
        return Line(kind=SESSION, id=row.id, at=row.erased_at)
    return Line(
        kind=row.kind,
        id=row.id,
        at=row.requested_at,
        organization_id=row.organization_id,
        project_id=row.project_id,
        subject_digest=row.subject_digest,
    )


def _append(file: BinaryIO | Any, lines: Sequence[Line]) -> None:
    """Lines that are on the disk when it returns. What a process that died left is ended first."""
    end = file.seek(0, os.SEEK_END)
    is_torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
    text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
    written = memoryview(b"\n" + text if is_torn else text)
    while written:
        written = written[file.write(written) :]
    os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
