"""How the tests ask for what the page asks for."""

from typing import Any

from django.http import HttpResponse

from tests.api.api_requests import ask, fresh_address

TRY_SESSIONS = "/try/sessions"


def try_it(
    movement: Any = "squat",
    *,
    parameters: Any = None,
    locale: Any = None,
    address: str | None = None,
    **headers: str,
) -> HttpResponse:
    """As the page does, from an address on which no other test counts."""
    body = {"movement": movement, "parameters": parameters or {}, "locale": locale}
    return ask("POST", TRY_SESSIONS, body, address=address or fresh_address(), **headers)
