from typing import Any

from django.core.management.base import CommandParser

from common.commands import OperatorCommand
from kynaplatform import clock
from projects.models import SigningKey
from projects.signing import signing_key_rotate


class Command(OperatorCommand):
    help = (
        "Publish the next signing key, which signs after five minutes. The first key of all "
        "signs at once. While a next key waits, it is answered again. Live sessions, tokens "
        "and replays keep working."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--if-missing", action="store_true", help="only make the first key of all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        key, is_new = SigningKey.objects.first(), False
        if key is None or not options["if_missing"]:
            key, is_new = signing_key_rotate(now=clock.now())
        self.print_result(
            {"kid": key.id, "signs_from": key.signs_from.isoformat(), "is_new": is_new}, options
        )
