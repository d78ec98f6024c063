"""The actions of staff on rows, each behind a page that says what it will do.

Django's own actions are only for lists, and ask nothing. A `StaffAction` is offered on a row's own
page too, and needs a reason. It runs in one transaction with its entry in the history.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.contrib.admin.models import CHANGE
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from kynaplatform import clock
from kynaplatform.api.errors import ApiError, Conflict
from staff.base import BoundedAdmin
from staff.display import full_name, page_of
from staff.lists import MAX_SELECTED, user_id_of
from staff.states import history_add, suspensions_of, with_suspensions


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="Kept in the history, for whoever asks later.",
    )


class Submission(NamedTuple):
    """The data of a valid form, who sent it, and when. `posted` is all that the page sent."""

    data: dict[str, Any]
    user_id: int
    now: datetime
    posted: Any = None


class ActionResult(NamedTuple):
    """What was done, as a sentence, and the response to show if not the row's page."""

    message: str
    response: Callable[[HttpRequest], HttpResponse] | None = None


class ConfirmationNeeded(Conflict):
    """Nothing was done yet: the page shows what will be, and asks."""


class AlreadyDone(Conflict):
    """The conflict of a form that was sent before. `page` shows what it made."""

    def __init__(self, sentence: str, *, page: str) -> None:
        super().__init__(sentence)
        self.page = page


class StaffAction:
    """An action of staff, declared by its class attributes.

    `name` is its address and its action's name; `label` is on the button; `past` is its verb in
    the history and in a list's summary; `permission` is one of Django's, as `app.codename`, in
    which `{model}` is the name of the page's model; `consequences` are its effects, if all rows
    have the same; `flag` is the kind of its entry in the history; `way_out` leaves the page.
    """

    name: str
    label: str
    past: ClassVar[str]
    permission: str
    consequences: ClassVar[Sequence[str]] = ()
    flag: ClassVar[int] = CHANGE
    form_class: ClassVar[type[forms.BaseForm]] = ReasonForm
    template: ClassVar[str] = "admin/action.html"
    way_out: ClassVar[str] = "Cancel"
    takes_many: ClassVar[bool] = True
    is_dangerous: ClassVar[bool] = True

    def applies_to(self, row: Any) -> bool:
        """Whether the action is offered for the row."""
        return True

    def title(self, row: Any) -> str:
        return f"{self.label} {full_name(row)}"

    def effects(self, rows: Sequence[Any]) -> Sequence[str]:
        return self.consequences

    def form(self, data: Any, row: Any, user: Any) -> forms.BaseForm:
        return self.form_class(data)

    def require_as_shown(self, row: Any, form: forms.BaseForm) -> None:
        """Raise ApiError if what the page showed has changed since."""

    def context(self, row: Any, form: forms.BaseForm) -> dict[str, Any]:
        """The template's variables of the one row, beside the effects."""
        return {}

    def sentence(self, row: Any) -> str:
        """What was done, where `perform` does not say it."""
        return f"{self.past} {full_name(row)}."

    def perform(self, row: Any, submission: Submission) -> ActionResult | None:
        """Do it. Raises ApiError, having changed nothing, when the row's state forbids it."""
        raise NotImplementedError

    def run(self, row: Any, submission: Submission) -> ActionResult:
        """Do it in one transaction with its entry in the history.

        Raises ApiError, having changed nothing, if the action does not apply to the row.
        """
        applies = self.applies_to(row)
        with transaction.atomic():
            result = self.perform(row, submission) or ActionResult(self.sentence(row))
            if not applies:  # where `perform` has no reason of its own to refuse
                raise Conflict(f"“{self.label}” does not apply to it.")
            history_add(
                user_id=submission.user_id,
                row=row,
                message=result.message,
                flag=self.flag,
                reason=submission.data.get("reason"),
            )
        return result


class StaffActionAdmin(BoundedAdmin):
    staff_actions: ClassVar[Sequence[StaffAction]] = ()

    def may(self, request: HttpRequest, action: StaffAction) -> bool:
        return bool(request.user.has_perm(action.permission.format(model=self.opts.model_name)))

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                f"<path:object_id>/{action.name}/",
                self.admin_site.admin_view(partial(self.action_view, action=action)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{action.name}",
            )
            for action in self.staff_actions
        ]
        return [*own, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        for action in self.staff_actions:
            if action.takes_many and self.may(request, action):
                shown = f"{action.label} the selected {self.opts.verbose_name_plural} …"
                actions[action.name] = (partial(_run_on_many, action), action.name, shown)
        return actions

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        offered = [
            {"label": f"{action.label} …", "address": page_of(row, action.name)}
            for action in self.staff_actions
            if self.may(request, action) and action.applies_to(row)
        ]
        return {**super().page_context(request, row), "staff_actions": offered}

    def action_view(
        self, request: HttpRequest, object_id: str, action: StaffAction
    ) -> HttpResponse:
        """The action's page for one row: GET shows what it will do, POST does it.

        A POST with `preview` only shows what it would do.
        """
        row: Any = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not (self.may(request, action) and self.has_view_permission(request, row)):
            raise PermissionDenied
        posted = form = action.form(request.POST or None, row, request.user)
        status = 200
        try:
            if "preview" in request.POST:
                action.require_as_shown(row, posted)
                form = _shown_again(action, row, posted, request.user)
            elif posted.is_valid():
                result = action.run(row, _submission(request, posted))
                self.message_user(request, result.message, messages.SUCCESS)
                if result.response:
                    return result.response(request)
                return HttpResponseRedirect(page_of(row))
        except AlreadyDone as before:
            return self.redirect_to(request, before)
        except ApiError as error:
            asks = isinstance(error, ConfirmationNeeded)
            level = messages.INFO if asks else messages.ERROR
            self.message_user(request, str(error), level)
            row = self.get_object(request, unquote(object_id)) or row
            form = _shown_again(action, row, posted, request.user)
            status = 200 if asks else 409
        context = {
            **action.context(row, form),
            "action": action,
            "title": action.title(row),
            "row": row,
            "suspensions": suspensions_of(row),
            "is_possible": action.applies_to(row),
            "effects": action.effects([row]),
            "back": page_of(row),
        }
        return self.render_action(request, form, context, template=action.template, status=status)

    def redirect_to(self, request: HttpRequest, before: AlreadyDone) -> HttpResponse:
        self.message_user(request, str(before), messages.ERROR)
        return HttpResponseRedirect(before.page)

    def render_action(
        self,
        request: HttpRequest,
        form: forms.BaseForm,
        context: dict[str, Any],
        *,
        template: str = StaffAction.template,
        status: int = 200,
    ) -> HttpResponse:
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            **context,
        }
        return TemplateResponse(request, template, shown, status=status)


def _submission(request: HttpRequest, form: forms.BaseForm) -> Submission:
    return Submission(form.cleaned_data, user_id_of(request), clock.now(), request.POST)


def _shown_again(action: StaffAction, row: Any, form: forms.BaseForm, user: Any) -> forms.BaseForm:
    """A new form of the row as it is now, with what was typed and without errors."""
    again = action.form(None, row, user)
    typed = {field.name: field.value() for field in form.visible_fields()}
    again.initial = {**again.initial, **typed}
    return again


def _run_on_many(
    action: StaffAction, page: StaffActionAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """The first POST asks; the second, `confirmed`, does it to each row that does not refuse."""
    ticked = set(request.POST.getlist(helpers.ACTION_CHECKBOX_NAME))
    is_every = request.POST.get("select_across") == "1"
    # A ticked row is chosen whatever the list's filters say by now.
    chosen = queryset if is_every else page.get_queryset(request).filter(pk__in=ticked)
    rows = list(chosen[: MAX_SELECTED + 1])
    if len(rows) > MAX_SELECTED:
        page.message_user(request, f"Select at most {MAX_SELECTED}.", messages.ERROR)
        return None
    if not rows:
        page.message_user(request, "What was selected is not there any more.", messages.WARNING)
        return None
    number = len(rows) if is_every else len(ticked)
    confirmed = "confirmed" in request.POST
    form = action.form_class(request.POST if confirmed else None)
    if confirmed and form.is_valid():
        done = 0
        for row in rows:
            try:
                action.run(row, _submission(request, form))
            except ApiError as error:
                page.message_user(request, f"{full_name(row)}: {error}", messages.WARNING)
            else:
                done += 1
        if gone := number - len(rows):
            page.message_user(request, f"Not there any more: {gone}.", messages.WARNING)
        level = messages.SUCCESS if done == number else messages.WARNING
        page.message_user(request, f"{action.past} {done} of {number}.", level)
        return None
    names = page.opts.verbose_name if len(rows) == 1 else page.opts.verbose_name_plural
    context = {
        "action": action,
        "title": f"{action.label} {len(rows)} {names}",
        "rows": [(row.pk, full_name(row), with_suspensions(row)) for row in rows],
        "is_possible": True,
        "effects": action.effects(rows),
        "back": request.get_full_path(),
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
    }
    return page.render_action(request, form, context)
