from urllib.parse import urlsplit

import kombu
import pytest


@pytest.fixture
def broker(redis_url: str) -> str:
    """With no message of another test."""
    url = urlsplit(redis_url)._replace(path="/12").geturl()
    with kombu.Connection(url) as connection:
        connection.default_channel.client.flushdb()
    return url
