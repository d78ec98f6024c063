"""Lists that accept what they offer, and nothing else; and their CSV.

Django lets a list be filtered by any column of its model, in any way that a column can be
compared. So a value that no page shows could be read a character at a time.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import unescape
from io import StringIO
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.core.exceptions import (
    FieldDoesNotExist,
    ObjectDoesNotExist,
    PermissionDenied,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_GET

from common.keyset import Cursor, KeysetPage, every_row, parse_cursor
from kynaplatform import clock
from staff.states import history_add


class Refused(Exception):
    """Ends a request with the page that says why, a status and headers."""

    def __init__(
        self, sentence: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers or {}

    def to_response(self, site: AdminSite, request: HttpRequest) -> TemplateResponse:
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
            raise Refused(f"This page has no parameter “{_short(name)}”.")


def require_once(parameters: QueryDict) -> None:
    for name, values in parameters.lists():
        if len(values) > 1:
            raise Refused(f"The address has “{_short(name)}” twice.")


def require_searchable(search: str) -> None:
    if len(search) > MAX_SEARCH:
        raise Refused(f"A search has at most {MAX_SEARCH} characters.")
    if SECRET.search(search):
        raise Refused(NO_SECRETS)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"


class StrictFilter(admin.SimpleListFilter):
    """A filter that accepts only the values that it shows."""

    title = parameter_name = "state"

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
    """A list that accepts only the filters, search, columns and pages that it shows."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django's own title asks to select a row.
        if not self.is_popup:
            self.title = str(capfirst(self.opts.verbose_name_plural))

    def get_filters(self, request: HttpRequest) -> Any:
        require_once(request.GET)
        require_searchable(self.query)
        filters = super().get_filters(request)
        # Django would compare what no filter has taken with columns.
        for name in filters[2]:
            raise Refused(f"This list has no filter “{_short(name)}”.")
        return filters

    def get_ordering_field(self, field_name: Any) -> Any:
        """None for a column that the list does not sort by, which Django does not check."""
        is_offered = field_name in (self.sortable_by or ())
        return super().get_ordering_field(field_name) if is_offered else None

    def every_row(self) -> Iterator[Any]:
        return every_row(self.queryset)


class StrictAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A page that accepts only what it offers, and answers 400 to anything else."""

    changelist_class: ClassVar[type[StrictChangeList]] = StrictChangeList

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return self.changelist_class

    def get_changelist_instance(self, request: HttpRequest) -> StrictChangeList:
        try:
            return cast(StrictChangeList, super().get_changelist_instance(request))
        except IncorrectLookupParameters as error:
            raise Refused("This list can't be asked for that.") from error
        except SuspiciousOperation as error:
            raise Refused("This list has no such filter.") from error

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> Any:
        """Refuses what can't be an id, which Django compares unchecked."""
        for selected in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.to_python(selected)
            except ValidationError as error:
                raise Refused("What was selected has no id of this list.") from error
        return super().response_action(request, queryset, *args)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Rows are referred to by their primary key alone."""
        try:
            return bool(self.opts.get_field(to_field).primary_key)  # type: ignore[union-attr]
        except FieldDoesNotExist:
            return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing, so that a link can't fill in a form for whoever follows it."""
        return {}


class KeysetChangeList(StrictChangeList):
    def page_from(self, start: Cursor | None, size: int) -> KeysetPage:
        """A page of the list. Raises ValueError for a value that can't be read."""
        raise NotImplementedError

    def get_results(self, request: HttpRequest) -> None:
        start = request.GET.get(PAGE_VAR)
        try:
            found = self.page_from(parse_cursor(start) if start else None, self.list_per_page)
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
        self.result_count = self.full_result_count = len(found.rows)
        self.show_admin_actions = bool(found.rows)
        self.show_full_result_count = self.can_show_all = self.multi_page = False

    def every_row(self) -> Iterator[Any]:
        start: Cursor | None = None
        while True:
            found = self.page_from(start, ROWS_AT_ONCE)
            yield from found.rows
            if found.older is None:
                return
            start = found.older


# How many rows a download reads and writes at once.
ROWS_AT_ONCE = 500
# A cell begins at the text's start, and wherever a spreadsheet may split it. It may be a formula if
# one of the four signs stands before its first letter or digit: spreadsheets drop quotes, spaces
# and invisible characters (OWASP, CSV Injection).
_SPLITS = ";\x00-\x1f\x7f-\x9f\u2028\u2029"
_FORMULA = "=+@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20\\-"
FORMULA = re.compile(rf"(^|[{_SPLITS}])(?=[^\w{_SPLITS}{_FORMULA}]*[{_FORMULA}])")
CUT = "This list is not whole: the database did not answer. Download it again."


class DownloadableAdmin(StrictAdmin):
    """A list with a CSV for those who may see it. Each download is logged."""

    only_in_csv: Sequence[str] = ()

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv"
        own = path("csv/", self.admin_site.admin_view(self.csv_view), name=name)
        return [own, *super().get_urls()]

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """The variables of the list's page, beside Django's own."""
        parameters = request.GET.copy()
        parameters.pop(PAGE_VAR, None)
        return {"csv_address": f"csv/?{parameters.urlencode()}"}

    def logged_parameters(self, parameters: QueryDict) -> Mapping[str, Any]:
        return parameters

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**self.list_context(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    @method_decorator(require_GET)
    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """The CSV of the list at the same address without `csv/`, with all of its pages.

        Its columns are the list's, and `only_in_csv`: a header, then a line a row; whole ids, ISO
        8601 moments in UTC, objects as JSON.
        """
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if PAGE_VAR in request.GET:
            raise Refused("A download has every page.")
        changelist = self.get_changelist_instance(request)
        logged = self.logged_parameters(request.GET).items()
        parameters = ", ".join(f"{name}={value}" for name, value in logged)
        message = f"Downloaded: {parameters or 'all'}."
        history_add(user_id=user_id_of(request), row=self.model, message=message)
        shown = [one for one in changelist.list_display if one != "action_checkbox"]
        columns = [*shown, *self.only_in_csv]
        header = [label_for_field(one, self.model, self) for one in columns]
        rows = ([plain(one, row, self) for one in columns] for row in changelist.every_row())
        return attachment(csv_lines(header, rows), slugify(str(self.opts.verbose_name_plural)))


class KeysetAdmin(DownloadableAdmin):
    """A page whose `changelist_class`, a KeysetChangeList, filters and searches."""

    change_list_template = "admin/placed_list.html"
    # In another order, a page would read every row.
    sortable_by = ()

    def search(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        return rows


class LeftToList(admin.SimpleListFilter):
    """A filter of a KeysetChangeList."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The list reads its value."""


def user_id_of(request: HttpRequest) -> int:
    return request.user.pk or 0


def attachment(lines: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """The response that a browser saves as a CSV of that name and the day."""
    file_name = f"{name}-{clock.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


def csv_lines(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """The lines of a CSV, many at once. The last one says so if the database fails meanwhile."""
    buffer = StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)

    def flush() -> bytes:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text.encode()

    writer.writerow(map(cell, header))
    try:
        for number, row in enumerate(rows, start=1):
            writer.writerow(map(cell, row))
            if number % ROWS_AT_ONCE == 0:
                yield flush()
    except DatabaseError:
        # A streamed response ends as if it were whole.
        writer.writerow([CUT])
        yield flush()
        raise
    yield flush()


def plain(column: Any, row: Any, page: DownloadableAdmin) -> object:
    """The value of a column without its markup."""
    shown = getattr(page, column, None) if isinstance(column, str) else column
    if valued := getattr(shown, "plain", None):
        return valued(row)
    try:
        _field, _attribute, value = lookup_field(column, row, page)
    except ObjectDoesNotExist:
        return None
    return unescape(strip_tags(value)) if isinstance(value, SafeString) else value


def cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False)
    return FORMULA.sub(r"\1'", str(value))
