"""The module that Django's autodiscovery imports, so that every page is registered."""

from staff import (  # noqa: F401
    credentials,
    erasures,
    log_entries,
    movespecs,
    organizations,
    sessions,
    usage_months,
    users,
    webhook_deliveries,
    webhook_endpoints,
)
