"""A list whose pages are told by where they start. Nothing is counted."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest

from kynaplatform.api.keyset import Place, place
from staff.actions.base import MAX_CONCURRENT
from staff.query_parameters import StrictChangeList

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
        listed = islice(self.every_row(), MAX_CONCURRENT + 1)
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
