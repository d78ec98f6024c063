"""Usage: of what the caller may see, and of a project."""

from typing import Annotated
from uuid import UUID

from kynaplatform import clock
from kynaplatform.api import errors
from kynaplatform.api.day_range import DayRangeQuery
from kynaplatform.api.operations import Operation
from kynaplatform.api.views import ApiRequest, ApiViewSet
from usage.wire import UsageAnswer, usage_answer

READ = "usage:read"
ProjectId = Annotated[UUID, "project"]


class UsageViewSet(ApiViewSet):
    tag, resource = "Usage", "usage"

    @Operation(summary="Read usage", scope=READ, returns=UsageAnswer, one_at_a_time=True)
    def retrieve(self, request: ApiRequest, query: DayRangeQuery) -> UsageAnswer:
        """What the projects have used that your credential may see: its own.

        A session counts on the day of UTC on which it ended, however it ended. Today's numbers
        grow; a day's are final 48 hours after it.
        """
        return usage_answer(request.principal.project_id, query, clock.now().date())

    @Operation(
        summary="Read the usage of a project",
        scope=READ,
        returns=UsageAnswer,
        one_at_a_time=True,
        errors=(errors.NotFound,),
    )
    def of_project(
        self, request: ApiRequest, project_id: ProjectId, query: DayRangeQuery
    ) -> UsageAnswer:
        """What one project has used, by the same rules."""
        if project_id != request.principal.project_id:
            raise errors.NotFound("project")
        return usage_answer(project_id, query, clock.now().date())
