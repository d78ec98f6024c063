from typing import ClassVar

from kynaplatform.api.errors import Conflict, Detail


class TooManyWebhooks(Conflict):
    sentence = "The project has as many webhooks as it may have."
    example_details: ClassVar[dict[str, Detail]] = {"limit": 16}


class WebhookDisabled(Conflict):
    sentence = "The webhook is disabled: enable it first."
