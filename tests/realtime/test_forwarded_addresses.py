"""A runtime believes X-Forwarded-For of TRUSTED_PROXIES alone, also on its own machine."""

import http.client
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.long_runs import at_length
from tests.server import runtime_server

pytestmark = pytest.mark.django_db(transaction=True)

HEADERS = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "X-Forwarded-For": "192.0.2.7",
}


@at_length("trusted, told", ("127.0.0.1", "192.0.2.7"), ("", "127.0.0.1"))
def test_an_address_that_is_forwarded(tmp_path: Path, trusted: str, told: str) -> None:
    with runtime_server(tmp_path, {"TRUSTED_PROXIES": trusted}) as server:
        connection = http.client.HTTPConnection(urlsplit(server.base_url).netloc, timeout=30)
        connection.request("GET", "/nowhere", headers=HEADERS)
        assert connection.getresponse().status == 404
        log = server.log
    assert re.findall(r"attach refused from ([0-9.]+),", log.read_text()) == [told]
