"""The check of a request's host, which monitors and balancers are free of: they send an address."""

from typing import Any

from django.http import HttpRequest
from django.middleware.common import CommonMiddleware

from kynaplatform.http.monitor_paths import MONITOR_PATHS


class HostCheckedExceptForMonitors(CommonMiddleware):
    """Django's own, which refuses other hosts than ALLOWED_HOSTS, but on three paths."""

    def process_request(self, request: HttpRequest) -> Any:
        return None if request.path in MONITOR_PATHS else super().process_request(request)
