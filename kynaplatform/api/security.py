"""What pages have four middleware for, as one: the API has more requests, and each layer costs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from kynaplatform.api.client_address import forget_untrusted_scheme
from kynaplatform.http.content_security import add_policy


class ApiSecurityMiddleware(SecurityMiddleware):
    """Django's own, with ForwardedMiddleware, ContentSecurityMiddleware and X-Frame-Options."""

    def process_request(self, request: HttpRequest) -> Any:
        forget_untrusted_scheme(request)
        return super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        add_policy(response)
        return response
