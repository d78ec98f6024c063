"""`POST /try/sessions`: the fair share of an address, behind which many people may be"""

import pytest

from tests.api.api_requests import fresh_address, limited, nothing_changes
from tests.tryout.trying import try_it

pytestmark = pytest.mark.usefixtures("signing_key", "catalogue")


@pytest.fixture(autouse=True)
def _as_in_production(settings):
    settings.TRY_SESSIONS = 60


def test_an_address_alone_has_half_as_behind_it_many_may_be(limits_clock, settings):
    settings.TRY_SESSIONS = 12
    address, other = fresh_address(), fresh_address()
    answers = [try_it(address=address) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 6
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == list("543210")
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"6"}
    assert {answer.headers["RateLimit-Reset"] for answer in answers} == {"600"}
    limits_clock.now += 120
    with nothing_changes():
        response = try_it(address=address)
    limited(response, "try_address", 6, 480, 600)
    assert response.headers["Retry-After"] == "480"
    # Who comes next has half of the rest.
    assert [try_it(address=other).status_code for _ in range(4)] == [201] * 3 + [429]
    limits_clock.now += 479.9
    assert try_it(address=address).status_code == 429
    limits_clock.now += 0.1
    assert try_it(address=address).status_code == 201


def test_an_ipv6_visitor_is_counted_with_the_network_around_it(limits_clock, settings):
    """A subscriber has a /64, and may have a /48."""
    settings.TRY_SESSIONS = 12

    def statuses(*addresses):
        return [try_it(address=address).status_code for address in addresses]

    of_48 = [f"2001:db8:1:{n:x}::1" for n in range(3)]
    assert statuses(*[of_48[0]] * 7) == [201] * 6 + [429]
    # All of a /48 have two thirds.
    assert statuses(*of_48[1:], of_48[1]) == [201] * 2 + [429]
    with nothing_changes():
        limited(try_it(address=of_48[2]), "try_network", 8, 600, 600)
    assert statuses("2001:db8:2::1") == [201]
