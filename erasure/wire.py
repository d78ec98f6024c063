"""Bodies of the endpoints of subjects."""

from typing import Annotated

from kynaplatform.api.errors import ValidationFailed
from kynaplatform.api.wire import Answer, Body, said
from sessions_app.context import fault_of_subject
from sessions_app.wire import Subject


class SubjectErase(Body):
    subject: Annotated[
        Subject, said("The person's id, as the sessions were created with.", "p_4711")
    ]

    def __post_init__(self) -> None:
        if fault := fault_of_subject(self.subject):
            raise ValidationFailed({"subject": [fault]})


class SubjectErased(Answer):
    sessions: Annotated[int, said("How many sessions of the person there are to erase.", 12)]
