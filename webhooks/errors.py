from typing import ClassVar

from kynaplatform.api.errors import Conflict, Detail


class TooManyWebhooks(Conflict):
    example_details: ClassVar[dict[str, Detail]] = {"limit": 16}
