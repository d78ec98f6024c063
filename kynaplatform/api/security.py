"""What pages have four middleware for, as one: the API has more requests, and each layer costs."""

from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware

from kynaplatform.api.client_address import forget_untrusted_scheme
from kynaplatform.http.content_security import add_policy


class ApiSecurityMiddleware(SecurityMiddleware):
    """Django's own, with ForwardedMiddleware, ContentSecurityMiddleware and X-Frame-Options."""

    def process_request(self, request: HttpRequest) -> Any:
        forget_untrusted_scheme(request)
        try:
            return super().process_request(request)
        except DisallowedHost as refusal:  # of a redirect to https
            return response_for_exception(request, refusal)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        add_policy(response)
        return response
