"""`python -m tests.realtime.watched_runtime`: a runtime that tells what it keeps."""

from collections.abc import Mapping
from typing import Any

import django

from kynaplatform.database.session_settings import RUNTIME, begin_as
from tests import watched


def main() -> None:
    begin_as(RUNTIME)
    django.setup()
    from realtime.__main__ import main
    from realtime.app import Application

    body = Application._body

    async def watched_body(self: Application, scope: Mapping[str, Any]) -> tuple[bytes, bytes]:
        if scope["path"] == watched.PATH:
            return watched.answer(), b"application/json"
        return await body(self, scope)

    Application._body = watched_body  # type: ignore[method-assign]
    main()


if __name__ == "__main__":
    main()
