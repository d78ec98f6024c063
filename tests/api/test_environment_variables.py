"""kynaplatform/environment.py: structured variables; a malformed one names itself"""

from ipaddress import ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured

from kynaplatform.environment import database_options, networks, numbered_secrets, rate


def test_a_rate_is_requests_per_minute():
    assert rate("100/minute") == 100


@pytest.mark.parametrize("value", ["", "100", "100/hour", "-1/minute", "1e3/minute"])
def test_another_rate_names_its_variable(value):
    with pytest.raises(ImproperlyConfigured, match="RATE_LIMIT_"):
        rate(value)


def test_networks_are_addresses_or_cidr():
    assert networks(["10.0.0.0/8", " 192.0.2.1 ", "2001:db8::/32", ""]) == [
        ip_network("10.0.0.0/8"),
        ip_network("192.0.2.1/32"),
        ip_network("2001:db8::/32"),
    ]


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.1/8", "10.0.0.0/33", "*"])
def test_another_network_names_its_variable(value):
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES"):
        networks([value])


def test_the_highest_number_of_a_secret_comes_first():
    assert list(numbered_secrets("1:00ff, 12:AB,2:cd,").items()) == [
        (12, b"\xab"),
        (2, b"\xcd"),
        (1, b"\x00\xff"),
    ]
    assert numbered_secrets("") == {}


@pytest.mark.parametrize("value", ["00ff", "1:", "1:0", "1:xy", "a:00", "1:00;2:00", "12345:00"])
def test_other_numbered_secrets_name_their_variable_and_show_nothing(value):
    with pytest.raises(ImproperlyConfigured, match="SECRET_PEPPERS") as refusal:
        numbered_secrets(value)
    assert value not in str(refusal.value).replace("1:<hex>", "")


def test_the_databases_own_options_are_kept():
    options = database_options({"sslmode": "require", "options": "-c statement_timeout=5000"})
    assert options["sslmode"] == "require"
    assert options["options"].startswith("-c statement_timeout=5000 ")
    assert database_options({"connect_timeout": 9})["connect_timeout"] == 9
    assert database_options({})["connect_timeout"] == 5
