"""Readers of structured environment variables: a malformed value names its variable."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from kynaplatform.api.rate_limits import parse_rate


def rate(value: str) -> int:
    """Requests per minute, from `100/minute`."""
    try:
        return parse_rate(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"A RATE_LIMIT_ variable is wrong: {error}") from error


def networks(values: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    """Addresses or networks in CIDR form."""
    try:
        return [ip_network(value.strip()) for value in values if value.strip()]
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUSTED_PROXIES is wrong: {error}") from error


def numbered_secrets(value: str) -> dict[int, bytes]:
    """`2:<hex>,1:<hex>` as number → bytes, the highest number first."""
    secrets: dict[int, bytes] = {}
    for item in filter(None, (part.strip() for part in value.split(","))):
        match = re.fullmatch(r"(\d{1,4}):((?:[0-9a-fA-F]{2})+)", item)
        if match is None:
            raise ImproperlyConfigured(
                "SECRET_PEPPERS is wrong: write `1:<hex>`, several separated by commas."
            )
        secrets[int(match[1])] = bytes.fromhex(match[2])
    return dict(sorted(secrets.items(), reverse=True))


def database_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """psycopg options: statements prepared on the server, plans held to their indexes.

    A plan prepared while a table was empty would otherwise read it sequentially later. A
    statement is prepared from its third use on a connection: migrations send scripts of several
    commands, which can't be prepared, but each only once.
    """
    options = f"{given.get('options', '')} -c enable_seqscan=off -c timezone=UTC".strip()
    return {
        "connect_timeout": 5,
        **given,
        "options": options,
        "server_side_binding": True,
        "prepare_threshold": 2,
    }


def filesystem_broker_options(data_dir: Path) -> dict[str, Any]:
    """Celery's broker as folders below `data_dir`: one machine, no service."""
    messages = str(data_dir / "broker" / "messages")
    return {
        "data_folder_in": messages,
        "data_folder_out": messages,
        "control_folder": str(data_dir / "broker" / "control"),
        "polling_interval": 0.2,
    }
