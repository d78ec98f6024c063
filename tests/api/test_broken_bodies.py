"""A body that breaks off is the client's fault, and told as one that is no JSON."""

import pytest
from django.test import Client

from tests.conftest import TOKENS


class BreaksOff:
    def read(self, *_: int) -> bytes:
        raise OSError("the client has left")

    readline = read


@pytest.mark.django_db
def test_a_body_that_breaks_off_is_400() -> None:
    response = Client().post(
        TOKENS, b"{}", content_type="application/json", **{"wsgi.input": BreaksOff()}
    )
    assert (response.status_code, response.json()["error"]) == (
        400,
        {
            "code": "malformed_request",
            "message": "The body did not arrive whole.",
            "retryable": False,
            "details": {},
        },
    )
