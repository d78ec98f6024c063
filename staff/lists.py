"""Lists that take what they offer, and nothing else; the page that says what they refuse.

Django lets a list be filtered by any column of its model, in any way that a column can be
compared. So a value that no page shows could be read a character at a time.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar, NamedTuple, cast

from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import (
    PAGE_VAR,
    ChangeList,
)
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from common.keyset import Place, every_row, place
from kynaplatform import clock


class Refused(Exception):
    """The exception that ends a request with that page, a status and headers."""

    def __init__(
        self, sentence: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}

    def page(self, site: AdminSite, request: HttpRequest) -> TemplateResponse:
        context = {
            **site.each_context(request),
            "is_nav_sidebar_enabled": site.has_permission(request),
            "title": "Too many attempts" if self.status == 429 else "This can't be shown",
            "sentence": str(self),
            "plain": request.path if request.GET and "\0" not in request.path else None,
        }
        return TemplateResponse(
            request, "admin/refused.html", context, status=self.status, headers=self.headers
        )


MAX_SEARCH = 200
# The rows that an action may be for.
MAX_SELECTED = 500
# The beginning of a key's secret or a token, in a syntax that browsers have as well.
UNSEARCHED = r"kyna_s[ak]_|\beyJ[\w\-]{10}"
SECRET = re.compile(UNSEARCHED)
NO_SECRETS = (
    "No secrets here, nor parts of one: a key is found by its name, or by its id, the 32 digits "
    "after kyna_sk_ or kyna_sa_."
)


def require_text(request: HttpRequest) -> None:
    """Refuse an address with a NUL, which no text in PostgreSQL has."""
    texts = [request.path, *(text for pair in request.GET.items() for text in pair)]
    if any("\0" in text for text in texts):
        raise Refused("The address has a character that is in no text here.")


def require_known(parameters: QueryDict, known: set[str]) -> None:
    require_once(parameters)
    for name in parameters:
        if name not in known:
            raise Refused(f"This page has nothing by which to ask for “{_short(name)}”.")


def require_once(parameters: QueryDict) -> None:
    for name, values in parameters.lists():
        if len(values) > 1:
            raise Refused(f"The address asks for “{_short(name)}” twice.")


def require_short(search: str) -> None:
    if len(search) > MAX_SEARCH:
        raise Refused(f"A search has at most {MAX_SEARCH} characters.")


def require_no_secret(search: str) -> None:
    if SECRET.search(search):
        raise Refused(NO_SECRETS)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


class StrictFilter(admin.SimpleListFilter):
    """A filter that takes only the values that it shows."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if self.value() not in (None, *(name for name, _ in self.lookup_choices)):
            raise IncorrectLookupParameters(f"There is no such {self.title}.")

    def conditions(self, now: datetime) -> dict[str, tuple[str, Q]]:
        """The choices by value: the label of each, and the condition of the rows that it leaves."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        known = self.conditions(clock.now())
        return [(value, label) for value, (label, _condition) in known.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        if (value := self.value()) is None:
            return queryset
        _label, condition = self.conditions(clock.now())[value]
        return queryset.filter(condition)


class StrictChangeList(ChangeList):
    """A list that takes only the filters, search, columns and pages that it shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django's own title asks to select a row.
        if not self.is_popup:
            self.title = str(capfirst(self.opts.verbose_name_plural))

    def get_filters(self, request: HttpRequest) -> Any:
        require_once(request.GET)
        require_short(self.query)
        require_no_secret(self.query)
        filters = super().get_filters(request)
        # Django would compare what no filter has taken with columns.
        for name in filters[2]:
            raise Refused(f"This list has no filter “{_short(name)}”.")
        return filters

    def get_ordering_field(self, field_name: Any) -> Any:
        """None for a column that the list does not sort by, which Django's own does not heed."""
        is_offered = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_offered else None

    def every_row(self) -> Iterator[Any]:
        """Every row of the list, on all of its pages."""
        return every_row(self.queryset)


class StrictAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page that takes only what it offers, and answers 400 to anything else."""

    changelist_class: ClassVar[type[StrictChangeList]] = StrictChangeList

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return self.changelist_class

    def get_changelist_instance(self, request: HttpRequest) -> StrictChangeList:
        try:
            changelist: Any = super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            raise Refused("This list can't be asked for that.") from error
        except SuspiciousOperation as error:
            raise Refused("This list has no such filter.") from error
        return cast(StrictChangeList, changelist)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *more: Any
    ) -> HttpResponse | None:
        try:
            for ticked in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(ticked, None)
        except ValidationError:
            self.message_user(request, "What was selected has no such ids.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return super().response_action(request, queryset, *more)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are referred to by their primary key alone."""
        try:
            return bool(self.opts.get_field(to_field).primary_key)  # type: ignore[union-attr]
        except FieldDoesNotExist:
            return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing: a link must not fill in a form for whoever follows it."""
        return {}


# The rows that a download reads at once.
DOWNLOADED = 500


class PlacedPage(NamedTuple):
    """The rows of a page, and the places of the pages beside it."""

    rows: Sequence[Any]
    newer: Place | None = None
    older: Place | None = None


class PlacedChangeList(StrictChangeList):
    def page_from(self, start: Place | None, size: int) -> PlacedPage:
        """A page of the list. Raises ValueError for a value that can't be read."""
        raise NotImplementedError

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """The rows that actions choose from: a ticked one whatever the filters say of it by now.

        All at once are those that the filters find.
        """
        super().get_queryset(request, exclude_parameters)  # makes the filters
        if request.POST.get("select_across") != "1":
            return self.root_queryset
        listed = islice(self.every_row(), MAX_SELECTED + 1)
        return self.root_queryset.filter(pk__in=[row.pk for row in listed])

    def get_results(self, request: HttpRequest) -> None:
        start = request.GET.get(PAGE_VAR)
        try:
            found = self.page_from(place(start) if start else None, self.list_per_page)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error
        self.result_list: Any = found.rows
        neighbours = [("Newer", found.newer), ("Older", found.older)]
        self.neighbours = [("Newest", self.get_query_string())] if start else []
        self.neighbours += [
            (label, self.get_query_string({PAGE_VAR: str(there)}))
            for label, there in neighbours
            if there
        ]
        # Where much is passed over, a page may be short, or empty.
        self.goes_on = found.older is not None
        self.result_count = self.full_result_count = len(found.rows)
        self.show_admin_actions = bool(found.rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False

    def every_row(self) -> Iterator[Any]:
        start: Place | None = None
        while True:
            found = self.page_from(start, DOWNLOADED)
            yield from found.rows
            if found.older is None:
                return
            start = found.older
