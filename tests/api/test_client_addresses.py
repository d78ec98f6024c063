"""Whose address a request is counted under: TRUSTED_PROXIES and X-Forwarded-For"""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from kynaplatform.environment import networks
from kynaplatform.middleware import FirstMiddleware, client_address
from tests.api.api_requests import ask, fresh_address
from tests.conftest import MOVESPECS

PROXY = "10.0.0.1"


def address_of(peer, forwarded=None):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers))


@pytest.fixture
def proxies(settings):
    settings.TRUSTED_PROXIES = networks(["10.0.0.0/24", "2001:db8:ffff::1"])


@pytest.mark.parametrize("forwarded", [None, "198.51.100.7, 10.0.0.1"])
def test_without_trusted_proxies_only_the_peer_is_believed(settings, forwarded):
    assert settings.TRUSTED_PROXIES == []
    assert address_of("203.0.113.9", forwarded) == "203.0.113.9"


@pytest.mark.parametrize("forwarded", [None, "198.51.100.7", "10.0.0.2"])
def test_a_peer_that_is_no_proxy_is_believed_about_itself_alone(proxies, forwarded):
    assert address_of("203.0.113.9", forwarded) == "203.0.113.9"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        # What stands before the last stranger, the stranger wrote.
        ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
        ("1.1.1.1,198.51.100.7,10.0.0.2,2001:db8:ffff::1", "198.51.100.7"),
        ("198.51.100.7,, ,10.0.0.2", "198.51.100.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        (None, PROXY),
        ("198.51.100.7, nonsense", "unknown"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        # Some proxies write the port too.
        ("1.1.1.1:1, 198.51.100.7:4711, 10.0.0.2:80", "198.51.100.7"),
        ("[2001:db8:1:2::9]:443, [2001:db8:ffff::1]:443", "2001:db8:1:2::/64"),
        ("198.51.100.7:4711:1", "unknown"),
    ],
)
def test_behind_a_proxy_the_last_stranger_counts(proxies, forwarded, expected):
    assert address_of(PROXY, forwarded) == expected


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("unix:", "unknown"),
    ],
)
def test_an_ipv6_address_stands_for_its_64_bit_network(peer, expected):
    assert address_of(peer) == expected


def test_strangers_behind_one_proxy_are_counted_apart(db, proxies, settings):
    settings.RATE_LIMIT_ANONYMOUS = 1

    def status(stranger):
        return ask("GET", MOVESPECS, address=PROXY, x_forwarded_for=stranger).status_code

    first, second = fresh_address(), fresh_address()
    # 10.77.x.y are no proxies here: 10.0.0.0/24 alone is.
    assert [status(first), status(first), status(second)] == [200, 429, 200]
    assert status(f"{fresh_address()}, {first}") == 429


def test_the_neighbours_in_a_network_are_counted_together(db, settings):
    settings.RATE_LIMIT_ANONYMOUS = 2
    answers = [
        ask("GET", MOVESPECS, address=f"2001:db8:77:1::{suffix}").status_code for suffix in "123"
    ]
    answers.append(ask("GET", MOVESPECS, address="2001:db8:77:2::1").status_code)
    assert answers == [200, 200, 429, 200]


@pytest.mark.parametrize(("peer", "expected"), [(PROXY, "https"), ("203.0.113.9", "http")])
def test_only_a_proxy_is_believed_about_the_scheme(proxies, settings, peer, expected):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-Proto": "https"})
    FirstMiddleware(lambda _: HttpResponse())(request)
    assert request.scheme == expected
