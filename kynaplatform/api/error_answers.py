"""The handlers that answer with an error: for DRF's views, and for requests that reach no view."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.core.exceptions import BadRequest, DisallowedHost
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import is_valid_path
from django.utils.cache import patch_vary_headers
from django.views import defaults
from rest_framework import exceptions

from kynaplatform.api import errors
from kynaplatform.database.connections import is_lock_timeout, is_out_of_reach
from kynaplatform.dependencies import DATABASE, is_disk_full
from kynaplatform.middleware import add_to_line
from kynaplatform.public_pages import page

logger = logging.getLogger("kynaplatform.errors")

MAX_HOST = 200
EXTRA_SLASH = "It exists without the slash at its end."


def error_response(error: errors.ApiError) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(error.body()),
        status=error.status,
        content_type="application/json",
        headers=error.headers,
    )


def answer_exception(exception: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's exception handler: every exception of a view becomes the one error body."""
    return error_response(as_api_error(exception))


def as_api_error(exception: Exception) -> errors.ApiError:
    match exception:
        case errors.ApiError():
            return exception
        case exceptions.MethodNotAllowed():
            return errors.MethodNotAllowed()
        case Http404():
            return errors.NotFound("resource")
        case BadRequest():
            return errors.MalformedRequest(str(exception))
        case OperationalError() if is_lock_timeout(exception):
            logger.warning("not waiting for another transaction: %s", exception)
            return errors.HeldByAnother()
        case OperationalError() if is_disk_full(exception):
            DATABASE.record_failure(exception)
            return errors.DatabaseFull()
        case OperationalError() | InterfaceError() if is_out_of_reach(exception):
            DATABASE.record_failure(exception)
            return errors.ServiceUnavailable()
        case OperationalError() | InterfaceError():
            logger.error("the database did not do it: %s", exception)
            return errors.ServiceUnavailable()
    logger.exception("unhandled exception", exc_info=exception)
    return errors.InternalError()


def answer_unknown_path(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_for_staff(request):
        return defaults.page_not_found(request, exception)
    path = request.path_info
    # A person opens a page. A program that accepts anything gets JSON.
    if (
        request.method in ("GET", "HEAD")
        and not path.startswith("/api/")
        and request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    ):
        answer = page("guides/no_page.html", {}, status=HTTPStatus.NOT_FOUND)
        patch_vary_headers(answer, ["Accept"])
        return answer
    has_extra_slash = path.endswith("/") and is_valid_path(path[:-1])
    return error_response(errors.NotFound("path", EXTRA_SLASH if has_extra_slash else ""))


def answer_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost):
        refused = str(request.META.get("HTTP_HOST", ""))[:MAX_HOST]
        add_to_line(request, host=refused.encode("unicode_escape").decode())
    if _is_for_staff(request):
        return defaults.bad_request(request, exception)
    return error_response(errors.MalformedRequest("The request could not be read."))


def answer_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_for_staff(request):
        return defaults.permission_denied(request, exception)
    return error_response(errors.AuthorizationFailed())


def answer_failure(request: HttpRequest) -> HttpResponse:
    if _is_for_staff(request):
        return defaults.server_error(request)
    return error_response(errors.InternalError())


def _is_for_staff(request: HttpRequest) -> bool:
    """Whether it is the admin's, whose failures are pages."""
    return request.path.startswith("/admin/")
