"""Usage: of what the caller may see, and of a project."""

from uuid import UUID

from kynaplatform import clock
from kynaplatform.api.operations import Access, Operation, Rows
from kynaplatform.api.schemas import DayRangeQuery
from kynaplatform.api.views import ApiRequest, ApiViewSet
from usage.schemas import UsageAnswer, usage_answer

READ = "usage:read"
OWN_PROJECT = Rows("project", lambda principal, id_: id_ if id_ == principal.project_id else None)


class UsageViewSet(ApiViewSet):
    tag, resource = "Usage", "usage"
    access = {"retrieve": Access(READ), "of_project": Access(READ, OWN_PROJECT)}

    @Operation(summary="Read usage", returns=UsageAnswer, one_at_a_time=True)
    def retrieve(self, request: ApiRequest, query: DayRangeQuery) -> UsageAnswer:
        """What the projects have used that your credential may see: its own.

        A session counts on the day of UTC on which it ended, however it ended. Today's numbers
        grow; a day's are final 48 hours after it.
        """
        return usage_answer(request.principal.project_id, query, clock.now().date())

    @Operation(summary="Read the usage of a project", returns=UsageAnswer, one_at_a_time=True)
    def of_project(self, request: ApiRequest, project: UUID, query: DayRangeQuery) -> UsageAnswer:
        """What one project has used, by the same rules."""
        return usage_answer(project, query, clock.now().date())
