"""Subjects: the erasure of a person."""

from typing import Annotated

from erasure.erasures import subject_erase
from kynaplatform import clock
from kynaplatform.api.operations import Access, Operation
from kynaplatform.api.schemas import Answer, Body, doc
from kynaplatform.api.views import ApiRequest, ApiViewSet
from sessions_app.context import Subject, require_context


class SubjectErase(Body):
    subject: Annotated[
        Subject, doc("The person's id, as the sessions were created with.", "p_4711")
    ]

    def __post_init__(self) -> None:
        require_context(subject=self.subject)


class SubjectErased(Answer):
    sessions: Annotated[int, doc("How many sessions of the person there are to erase.", 12)]


class SubjectErasureViewSet(ApiViewSet):
    tag, resource = "Subjects", "subject"
    access = {"erase": Access("data:erase")}

    @Operation(summary="Erase a person", example={"subject": "p_4711"}, status=202)
    def erase(self, request: ApiRequest, body: SubjectErase) -> SubjectErased:
        """Erase every session of the project with this subject that was created before now.

        Live ones are cancelled at once. The worker erases them all within minutes, with their
        events and what their webhooks sent. A subject without sessions answers 0: the answer tells
        nobody whether the person was known.
        """
        sessions = subject_erase(
            organization_id=request.principal.organization_id,
            project_id=request.principal.project_id,
            subject=body.subject,
            now=clock.now(),
        )
        return SubjectErased(sessions)
