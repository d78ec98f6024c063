"""A person over time."""

from functools import partial

from kynaplatform import clock
from kynaplatform.api.operations import Access, Operation, Result
from kynaplatform.api.pagination import page_of, start_of
from kynaplatform.api.views import ApiRequest, ApiViewSet
from sessions_app.subject_schemas import SubjectSummary, SubjectSummaryQuery, present_summary
from sessions_app.subject_summary import (
    MAX_SESSIONS,
    cursor_behind_day,
    day_of,
    subject_summary,
)


class SubjectViewSet(ApiViewSet):
    tag, resource = "Subjects", "subject"
    access = {"summarize": Access("sessions:read", one_session=True)}

    @Operation(
        summary="Summarize a person's sessions",
        returns=list[SubjectSummary],
        one_at_a_time=True,
    )
    def summarize(self, request: ApiRequest, query: SubjectSummaryQuery) -> Result:
        """What the sessions of a `subject` counted, by day of UTC or by session, newest first.

        A session is in the day on which it was created, once it has ended. Sessions that counted
        nothing, as without a frame, are left out. A page looks at `limit` sessions, by day at
        5,000: follow its `Link` until there is none. A day with more sessions than that goes on in
        the next page, with rows of the same `date`.
        """
        first, last = query.days(clock.now().date())
        found = subject_summary(
            project_id=request.principal.project_id,
            subject=query.subject,
            only=request.principal.session_id,
            first=first,
            last=last,
            by=query.by,
            start=start_of(query),
            most=query.limit if query.by == "session" else MAX_SESSIONS,
        )
        present = partial(present_summary, by=query.by)
        if query.by == "session":
            return page_of(request._request, found.rows, found.older, present)
        return page_of(
            request._request, found.rows, found.older, present, cursor_behind_day, group_of=day_of
        )
