"""The base classes of admin pages: bounded lists, read-only rows, a filter by owner, and forms of
rows that several people may have open at once.
"""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.functional import cached_property

from common.names import visible
from staff.display import count_up_to, full_name, with_customer
from staff.lists import DownloadableAdmin, user_id_of
from staff.search import searched
from staff.states import history_add, history_of, message_and_reason, suspensions_of

ENTRIES = 100
# The search fields of a row that a project owns: its own name and id, and those of its owners.
OF_PROJECT = [
    "name", "=id", "project__name", "=project__id", "project__organization__name",
    "=project__organization__id",
]  # fmt: skip


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that counts at most `MAX_COUNTED` rows, and has no page beyond them.

    PostgreSQL reads every row that it counts or skips. Its statistics say only how many rows the
    whole table has.
    """

    MAX_COUNTED = 10_000

    @cached_property
    def count(self) -> int:
        return count_up_to(self.object_list, most=self.MAX_COUNTED)  # type: ignore[arg-type]


class BoundedAdmin(DownloadableAdmin):
    """A list whose queries stay bounded whatever the number of rows."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    # Several filters are expensive to count, and a count says little at this size.
    show_facets = admin.ShowFacets.NEVER
    has_history = True

    @admin.display(description="name", ordering="name")
    def shown_name(self, row: Any) -> str:
        return str(row)

    def leads_to(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        """The labels and addresses of the lists that show what came of a row."""
        return []

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """The variables of a row's page, beside Django's own."""
        return {
            "leads_to": self.leads_to(request, row),
            "has_history": self.has_history,
            "subtitle": full_name(row),
            "suspensions": suspensions_of(row),
        }

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if (row := context.get("original")) is not None:
            context |= self.page_context(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return super().history_view(request, object_id, extra_context)
        entries = self.get_paginator(request, history_of(row), ENTRIES)
        page = entries.get_page(request.GET.get(PAGE_VAR, 1))
        shown = {
            "title": f"History of {full_name(row)}",
            "subject": getattr(row, "movespec", row),
            "suspensions": suspensions_of(row),
            "action_list": page,
            "entries": [(entry, *message_and_reason(entry)) for entry in page],
            "page_range": entries.get_elided_page_range(page.number),
            "pagination_required": entries.num_pages > 1,
        }
        return super().history_view(request, object_id, {**shown, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = with_customer(super().get_queryset(request))
        # A list leaves its own relations out where others are selected.
        also = self.list_select_related
        return rows.select_related(*also) if isinstance(also, Sequence) else rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = self.search(queryset, search_term) if search_term.strip() else queryset
        return found, False

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The rows that match. Django's own compares ids as texts, which reads every row."""
        return searched(rows, text, self.search_fields)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return history_add(user_id=user_id_of(request), row=obj, message=message, flag=ADDITION)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        return history_add(user_id=user_id_of(request), row=obj, message=message)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(BoundedAdmin):
    """A page that staff only read: nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OwnerFilter(admin.RelatedFieldListFilter):
    """A filter by owner that names only the chosen owner: a list of all would be too long."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: Any
    ) -> list[tuple[str, Any]]:
        owners = field.remote_field.model._default_manager
        try:
            named = with_customer(owners.filter(pk__in=self.lookup_val or ()))
            return [(str(one.pk), full_name(one)) for one in named]
        except ValidationError:  # not an id: the list itself refuses it
            return []

    def has_output(self) -> bool:
        return self.lookup_val is not None


BY_OWNERS = [("project", OwnerFilter), ("project__organization", OwnerFilter)]
DEFAULT = "default"


class AsShownForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that writes only the fields that were changed on its page.

    Hidden fields keep what the page showed. A field that a colleague has changed since stays; one
    that both have changed is an error.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page of the release before sends no hidden fields, and a row being made had no values.
        sent = not self.is_bound or any(one.startswith("initial-") for one in self.data)
        sent = sent and not self.instance._state.adding
        if sent and self.is_bound:
            # A field that was shown empty sends nothing. On an invalid form Django would then
            # render the typed value as the initial one.
            data = cast(QueryDict, self.data).copy()
            for name in self.fields:
                data.setlistdefault(self.add_initial_prefix(name), [])
            self.data = data
        for name, field in self.fields.items():
            # Browsers change line breaks, which names of earlier releases may have.
            is_one_line = {"\n", "\r"}.isdisjoint(str(self.get_initial_for_field(field, name)))
            field.show_hidden_initial = sent and is_one_line and not field.disabled

    @cached_property
    def changed_data(self) -> list[str]:
        return [name for name in super().changed_data if self._differs(name, self[name].data)]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        for name, field in self.fields.items():
            if name not in self.changed_data:
                given.pop(name, None)
            elif field.show_hidden_initial and self._differs(name, self._shown(name)):
                now = self[name].initial
                words = ", ".join(sorted(map(str, now))) if isinstance(now, list) else now
                shown = "nothing" if words in (None, "") else words
                self.add_error(name, f"It was changed meanwhile to {shown}: open this page anew.")
        return given

    def _shown(self, name: str) -> Any:
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self[name].html_initial_name)

    def _differs(self, name: str, data: Any) -> bool:
        """Whether `data`, as a page sends it, differs from the row's value now."""
        return self.fields[name].has_changed(self[name].initial, data)


class AsShownAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = AsShownForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # Only what was written: a colleague's suspension of this moment must not be undone.
        columns = {column.name for column in obj._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data) if change else None)


def changes_of(form: "forms.BaseModelForm[Any]") -> str:
    """The fields that a form changed, each with its value and the one before."""
    return ", ".join(
        f"{name} {limit_words(form.cleaned_data[name])} "
        f"(was {visible(str(limit_words(form.initial[name])))})"
        for name in form.changed_data
    )


def limit_words(limit: Any) -> Any:
    return DEFAULT if limit is None else limit
