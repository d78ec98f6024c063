"""The actions on MoveSpecs and their versions: delist, relist, release, roll back and withdraw."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.text import capfirst

from detection import validate
from kynaplatform import clock
from kynaplatform.api.errors import Conflict
from movespecs.catalogue import CATALOGUE_PROJECT
from movespecs.drafts import movespec_delist, movespec_relist
from movespecs.models import Author, MoveSpec, MoveSpecVersion
from movespecs.releases import require_unmoved, version_release, version_withdraw
from sessions_app.listing import LIVE, SessionFilters
from staff.actions import ActionResult, ConfirmationNeeded, ReasonForm, StaffAction, Submission
from staff.display import DAY, count_up_to, counted, full_name
from staff.movespec_text import comparison, every_line_of, reading


class Delist(StaffAction):
    name, label, past = "delist", "Delist", "Delisted"
    permission = "movespecs.moderate_movespec"
    consequences = (
        "Other projects do not find it any more, and can't fork it.",
        "If it is of the catalogue, no create can name it, and /try does not offer it.",
        "Its owner goes on using it, sees it as private, and can't make it public.",
        "Forks that were made go on.",
    )

    def applies_to(self, row: MoveSpec) -> bool:
        return row.is_public

    def perform(self, row: MoveSpec, submission: Submission) -> None:
        movespec_delist(movespec_id=row.id, now=submission.now)


class Relist(StaffAction):
    name, label, past = "relist", "Relist", "Relisted"
    permission = "movespecs.moderate_movespec"
    is_dangerous = False
    consequences = (
        "Every project finds it again and may fork it, unless its owner made it private.",
    )

    def applies_to(self, row: MoveSpec) -> bool:
        return row.delisted_at is not None

    def perform(self, row: MoveSpec, submission: Submission) -> None:
        movespec_relist(movespec_id=row.id, now=submission.now)


MAX_CHOICES = 200


def name_of(version: MoveSpecVersion | None) -> str:
    return f"version {version.version_number}" if version else "no version"


def is_released(version: MoveSpecVersion) -> bool:
    return version.movespec.current_released_version_id == version.id


def siblings_of(version: MoveSpecVersion) -> QuerySet[MoveSpecVersion]:
    """The other versions of its MoveSpec, the newest first, without their texts."""
    siblings = MoveSpecVersion.objects.filter(movespec=version.movespec).exclude(id=version.id)
    return siblings.order_by("-version_number").defer("yaml_source")


def runs_of(version: MoveSpecVersion, now: datetime) -> str:
    """The sessions that run it are all of its own project, unless it is of the catalogue."""
    project_id = version.movespec.project_id
    of_version = SessionFilters(
        version_id=version.id, project_id=None if project_id == CATALOGUE_PROJECT else project_id
    )
    created = count_up_to(*replace(of_version, created_after=now - DAY).parts())
    alive = count_up_to(*replace(of_version, status=LIVE).parts())
    return (
        f"In the last day {counted(created, 'session')} ran {name_of(version)}, "
        f"{'the released one' if is_released(version) else 'this one'}; "
        f"{counted(alive, 'session')} of it {'is' if alive == 1 else 'are'} live now."
    )


class SeenForm(ReasonForm):
    """A form that carries the newest release as of when the page was shown."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, version: Any) -> None:
        super().__init__(data, initial={"seen": version.latest_release_id})

    def clean_seen(self) -> int:
        return self.cleaned_data["seen"] or 0


class WithdrawForm(SeenForm):
    """The form to withdraw. For the released version it asks what replaces it, with no preset."""

    NOTHING = "nothing"

    def __init__(self, data: Any, *, version: Any) -> None:
        super().__init__(data, version=version)
        if not is_released(version):
            return
        others = siblings_of(version).filter(withdrawn_at__isnull=True)[:MAX_CHOICES]
        self.fields["replacement"] = forms.ChoiceField(
            label="What replaces it",
            choices=[
                ("", "Choose …"),
                *((str(other.id), f"Version {other.version_number}") for other in others),
                (self.NOTHING, "Nothing: new sessions are refused until a version is released"),
            ],
        )
        self.order_fields(["replacement", "reason"])


class VersionAction(StaffAction):
    """An action whose page shows the difference, the warnings and the running sessions."""

    template = "admin/movespecs/version_action.html"
    form_class = SeenForm
    takes_many = False

    def title(self, row: MoveSpecVersion) -> str:
        return f"{self.label} {name_of(row)} of {full_name(row.movespec)}"

    def sentence(self, row: MoveSpecVersion) -> str:
        return f"{self.past} {name_of(row)} of {full_name(row.movespec)}."

    def form(self, data: Any, row: MoveSpecVersion, user: Any) -> forms.Form:
        return self.form_class(data, version=row)

    def require_as_shown(self, row: MoveSpecVersion, form: forms.BaseForm) -> None:
        form.full_clean()
        require_unmoved(row.movespec, form.cleaned_data.get("seen", 0))

    def context(self, row: MoveSpecVersion, form: forms.BaseForm) -> dict[str, Any]:
        old, new = self.compared(row, form)
        if new is None:  # without a replacement, the button waits until one or none is chosen
            return {"is_seen": bool(form["replacement"].value())}
        return {
            "is_seen": True,
            "version": new,
            "heading": self.heading(row),
            **reading(new.yaml_source, validate(new.yaml_source), every_line_of(new)),
            **({"lines": []} if old else {}),
            **comparison(old, new),
        }

    def heading(self, row: MoveSpecVersion) -> str:
        if row.movespec.current_released_version is None:
            return "How it differs from the version that was released last"
        return "What changes for new sessions"

    def compared(
        self, row: MoveSpecVersion, form: forms.BaseForm
    ) -> tuple[MoveSpecVersion | None, MoveSpecVersion | None]:
        """The version that new sessions get now, or got last, and the one that they will get."""
        if released := row.movespec.current_released_version:
            return released, row
        release = row.movespec.releases.select_related("from_version").first()
        return (release.from_version if release else None), row

    def runs(self, row: MoveSpecVersion) -> list[str]:
        released = row.movespec.current_released_version
        if released is None:
            return ["No version is released: new sessions are refused."]
        return [runs_of(released, clock.now())]


class Release(VersionAction):
    name, label, past = "release", "Release", "Released"
    permission = "movespecs.release_movespecversion"
    is_dangerous = False
    goes_back = False

    def applies_to(self, row: MoveSpecVersion) -> bool:
        if row.withdrawn_at or row.movespec.archived_at or is_released(row):
            return False
        released = row.movespec.current_released_version
        is_earlier = released is not None and row.version_number < released.version_number
        return is_earlier == self.goes_back

    def effects(self, rows: Sequence[MoveSpecVersion]) -> list[str]:
        (row,) = rows
        released = row.movespec.current_released_version
        return [
            f"Every new session of {row.movespec} gets {name_of(row)} instead of "
            f"{name_of(released)}, at once.",
            "Running sessions, and new ones that pin a version, go on as they are.",
            *self.runs(row),
        ]

    def perform(self, row: MoveSpecVersion, submission: Submission) -> None:
        was_released = row.movespec.current_released_version_id == row.id
        version_release(
            movespec_id=row.movespec_id,
            version_id=row.id,
            author=Author(staff_id=submission.user_id),
            now=submission.now,
            reason=submission.data["reason"],
            seen=submission.data["seen"],
        )
        if was_released:
            raise Conflict(f"{capfirst(name_of(row))} is the released one already.")


class RollBack(Release):
    name, label, past = "roll-back", "Roll back to", "Rolled back to"
    is_dangerous = goes_back = True


class Withdraw(VersionAction):
    name, label, past = "withdraw", "Withdraw", "Withdrew"
    permission = "movespecs.withdraw_movespecversion"
    form_class = WithdrawForm

    def applies_to(self, row: MoveSpecVersion) -> bool:
        return row.withdrawn_at is None and row.movespec.archived_at is None

    def heading(self, row: MoveSpecVersion) -> str:
        if is_released(row):
            return super().heading(row)
        return "How it differs from the released version"

    def compared(
        self, row: MoveSpecVersion, form: forms.BaseForm
    ) -> tuple[MoveSpecVersion | None, MoveSpecVersion | None]:
        released = row.movespec.current_released_version
        if not is_released(row):
            return released, row
        try:
            chosen = UUID(form["replacement"].value())
        except (TypeError, ValueError):
            return released, None
        return released, row.movespec.versions.filter(id=chosen).first()

    def effects(self, rows: Sequence[MoveSpecVersion]) -> list[str]:
        (row,) = rows
        return [
            f"No new session runs {name_of(row)}, not even one that pins it, and it can't be "
            "released again. This can't be undone.",
            "Sessions that run it go on to their end.",
            *([] if is_released(row) else [runs_of(row, clock.now())]),
            *self.runs(row),
        ]

    def perform(self, row: MoveSpecVersion, submission: Submission) -> ActionResult | None:
        data = submission.data
        chosen = data.get("replacement", WithdrawForm.NOTHING)
        replacement = None if chosen == WithdrawForm.NOTHING else UUID(chosen)
        # The page itself names the replacement that it compared and validated.
        if replacement and submission.posted.get("previewed") != chosen:
            require_unmoved(row.movespec, data["seen"])
            raise ConfirmationNeeded(f"See what changes below. Then press {self.label}.")
        version_withdraw(
            movespec_id=row.movespec_id,
            version_id=row.id,
            replacement_id=replacement,
            author=Author(staff_id=submission.user_id),
            now=submission.now,
            reason=data["reason"],
            seen=data["seen"],
        )
        if replacement is None:
            return None
        other = MoveSpecVersion.objects.defer("yaml_source").get(id=replacement)
        return ActionResult(
            f"{self.sentence(row).removesuffix('.')}; {name_of(other)} replaces it."
        )
