"""The versions on a MoveSpec's page: what each is, and what can be done with it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, Func, OuterRef, TextField, Value
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kynaplatform.api.names import visible
from movespecs.models import MoveSpec, MoveSpecVersion, Release
from sessions_app.models import LIVE_STATUSES, DetectionSession, Mode, Status
from staff.actions import versions as actions
from staff.actions.base import action_url
from staff.actions.versions import LAST_DAY, is_released
from staff.authors import author_of, with_author
from staff.display import badge, moment
from staff.links import link_to, list_of, may_view, page_of
from staff.session_list import around

# So many sessions of a version are counted, and so many live ones of its project.
MAX_RUNS = 10_000
MAX_LABEL = 40
ENDED = [status for status in Status.values if status not in LIVE_STATUSES]
# The line of the key in a text in block style, which nearly all are.
_LABEL = r"(?n)^version:[ \t]*(.*)$"
_ENDED = """
SELECT version.id, (
    SELECT count(*) FROM (
        SELECT FROM unnest(%(statuses)s::varchar[]) AS status (name),
            unnest(%(modes)s::varchar[]) AS mode (name),
            LATERAL (
                SELECT FROM detection_session AS session
                WHERE session.resolved_version_id = version.id AND session.deadline_at IS NULL
                    AND session.status = status.name AND session.mode = mode.name
                    AND session.created_at > %(since)s
                LIMIT %(most)s
            ) AS ran
        LIMIT %(most)s
    ) AS counted
)
FROM unnest(%(ids)s::uuid[]) AS version (id)
"""


class Runs(NamedTuple):
    """How many sessions a version has; `is_least` if not all live ones were read."""

    number: int
    is_least: bool = False


class VersionRow(NamedTuple):
    number: SafeString
    state: SafeString
    made: SafeString
    made_by: SafeString | str
    label: str
    runs: SafeString | str
    does: Sequence[tuple[str, str]]


def with_releases(versions: Any) -> Any:
    """Versions with whether each was ever released."""
    return versions.annotate(was_released=Exists(Release.objects.filter(to_version=OuterRef("pk"))))


def version_state(version: Any) -> SafeString:
    if version.withdrawn_at is not None:
        return badge("withdrawn", "bad")
    if is_released(version):
        return badge("released", "good")
    return badge("released before" if version.was_released else "never released")


def with_label(versions: Any) -> Any:
    """Versions with the line of their author's label: a page of twenty reads no text."""
    found = Func(F("yaml_source"), Value(_LABEL), function="substring", output_field=TextField())
    return versions.annotate(label_line=found)


def label_of(line: str | None) -> str:
    """The value of `version: "1.0"  # first`; empty where the line is not found."""
    text = (line or "").strip()
    if text[:1] in ("'", '"'):
        text = text[1:].partition(text[0])[0]
    else:
        text = text.partition(" #")[0].rstrip()
    text = visible(text)
    return text if len(text) <= MAX_LABEL else f"{text[:MAX_LABEL]}…"


def version_rows(
    user: Any, movespec: MoveSpec, numbers: Sequence[int], now: datetime
) -> Iterator[VersionRow]:
    """The rows of the versions of these numbers, the newest first, by three statements at most."""
    known = with_releases(movespec.versions.filter(version_number__in=numbers))
    known = with_label(with_author(known, "created_by", user)).defer("yaml_source")
    versions = list(known.order_by("-version_number"))
    counts = (
        runs_of_versions(movespec, [one.pk for one in versions], now)
        if may_view(user, DetectionSession)
        else {}
    )
    for version in versions:
        version.movespec = movespec
        yield VersionRow(
            link_to(version, f"Version {version.version_number}"),
            version_state(version),
            moment(version.created_at, now),
            author_of(version, version.created_by),
            label_of(version.label_line),
            _runs(version, counts[version.pk], now) if version.pk in counts else "-",
            list(_does(user, version)),
        )


def runs_of_versions(movespec: MoveSpec, ids: Sequence[UUID], now: datetime) -> dict[UUID, Runs]:
    """How many sessions of today and yesterday, days of UTC, each of the versions has, up to one
    more than MAX_RUNS of those that have ended.

    Those that have ended are counted by the index of their version, live ones by their project's.
    """
    since, _ = around(_days(now))
    with connection.cursor() as cursor:
        bounds: dict[str, Any] = {"statuses": ENDED, "modes": Mode.values, "since": since}
        cursor.execute(_ENDED, {**bounds, "ids": list(ids), "most": MAX_RUNS + 1})
        counts: dict[UUID, int] = dict(cursor.fetchall())
    live = DetectionSession.objects.filter(
        project_id=movespec.project_id, deadline_at__isnull=False, status__in=LIVE_STATUSES,
        mode__in=Mode.values, created_at__gt=since,
    )  # fmt: skip
    read = list(live.order_by().values_list("resolved_version_id", flat=True)[: MAX_RUNS + 1])
    for id_ in read[:MAX_RUNS]:
        if id_ in counts:
            counts[id_] += 1
    return {id_: Runs(count, is_least=len(read) > MAX_RUNS) for id_, count in counts.items()}


def _days(now: datetime) -> str:
    """Yesterday and today, as the list of sessions is asked for them."""
    return f"{now - LAST_DAY:%Y-%m-%d}..{now:%Y-%m-%d}"


def _runs(version: MoveSpecVersion, runs: Runs, now: datetime) -> SafeString | str:
    if runs.number > MAX_RUNS:
        told = f"over {MAX_RUNS:,}"
    else:
        told = f"{'at least ' if runs.is_least else ''}{runs.number:,}"
    if told == "0":
        return told
    return format_html(
        '<a href="{}">{}</a>', list_of(DetectionSession, q=version.pk, day=_days(now)), told
    )


def _does(user: Any, version: Any) -> Iterator[tuple[str, str]]:
    """What leads on from a row: the label and the address of each. A comparison is from the older
    to the newer, be that released or not."""
    released = version.movespec.current_released_version
    if released and released.pk != version.pk:
        older, newer = sorted((released, version), key=lambda one: one.version_number)
        yield "Compare", f"{page_of(newer)}?against={older.pk}#against"
    for action in (actions.Release(), actions.RollBack()):
        if user.has_perm(action.permission) and action.applies_to(version):
            yield f"{action.label} …", action_url(action, version)
