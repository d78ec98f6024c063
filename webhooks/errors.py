from typing import ClassVar

from kynaplatform.api.errors import Conflict, Detail


class DisabledByStaff(Conflict):
    sentence = "Staff disabled the webhook: only they can enable it again."


class SessionDeleted(Conflict):
    sentence = "The session of the message was deleted: it can't be sent again."


class TooManyWebhooks(Conflict):
    example_details: ClassVar[dict[str, Detail]] = {"limit": 16}
