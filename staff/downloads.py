"""The CSV of a list: every row that its filters and search find, streamed as it is read."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import unescape
from io import StringIO
from typing import Any

from django.contrib.admin.models import CHANGE
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db import DatabaseError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    QueryDict,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import slugify

from kynaplatform import clock
from staff.history import entry_add
from staff.lists import Refused, StrictAdmin, StrictChangeList

ROWS_AT_ONCE = 500
# Where a cell begins: at the text's start, or where a spreadsheet may split it, whatever its
# separator is. It may be a formula if one of the four stands before its first letter or digit:
# quotes, spaces and what no eye sees are dropped or ignored (OWASP, CSV Injection).
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

    def told(self, parameters: QueryDict) -> Mapping[str, Any]:
        """What the log says that a download asked for."""
        return parameters

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**self.list_context(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def csv_view(self, request: HttpRequest) -> HttpResponseBase:
        """The CSV of the list at the same address without `csv/`, with all of its pages.

        Its columns are the list's, and `only_in_csv`: a header, then a line a row; whole ids, ISO
        8601 moments in UTC, objects as JSON.
        """
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if PAGE_VAR in request.GET:
            raise Refused("A download has every page.")
        changelist = self.get_changelist_instance(request)
        asked = self.told(request.GET)
        parameters = ", ".join(f"{name}={value}" for name, value in asked.items())
        entry_add(
            user_id=user_id_of(request),
            model=self.model,
            flag=CHANGE,
            message=f"Downloaded: {parameters or 'all'}.",
            about="list as CSV",
        )
        return attachment(lines(changelist, self), slugify(str(self.opts.verbose_name_plural)))


def user_id_of(request: HttpRequest) -> int:
    """The id of the user who is logged in, for the history."""
    return request.user.pk or 0


def attachment(written: Iterator[bytes], name: str) -> StreamingHttpResponse:
    """The answer that a browser saves as a CSV of that name and the day."""
    return StreamingHttpResponse(
        written,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{clock.now():%Y-%m-%d}.csv"'
        },
    )


def lines(changelist: StrictChangeList, page: DownloadableAdmin) -> Iterator[bytes]:
    """The lines of a list's CSV."""
    shown = [one for one in changelist.list_display if one != "action_checkbox"]
    columns = [*shown, *page.only_in_csv]
    header = [label_for_field(one, changelist.model, page) for one in columns]
    rows = changelist.every_row()
    return written_lines(header, ([plain(one, row, page) for one in columns] for row in rows))


def written_lines(header: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """The lines of a CSV, many at once. The last one says so if the database stops answering."""
    written = StringIO()
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)

    def taken() -> bytes:
        text = written.getvalue()
        written.seek(0)
        written.truncate()
        return text.encode()

    writer.writerow(map(cell, header))
    try:
        for number, row in enumerate(rows, start=1):
            writer.writerow(map(cell, row))
            if number % ROWS_AT_ONCE == 0:
                yield taken()
    except DatabaseError:
        # A streamed answer ends in one way only, as if it were whole.
        writer.writerow([CUT])
        yield taken()
        raise
    yield taken()


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
