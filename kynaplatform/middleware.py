"""What every request passes through: its id and log line, the client's address, security headers
and origins."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from corsheaders.middleware import CorsMiddleware
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers

from kynaplatform.logs import request_id, request_id_of, served_request_id
from kynaplatform.metrics.exposition import observe_request

GetResponse = Callable[[HttpRequest], HttpResponse]

# --- The request's id and its log line ---------------------------------------------------------

logger = logging.getLogger("kynaplatform.request")
# The path alone: a query string may carry a token.
_LINE = "%(method)s %(path)s %(status)d %(milliseconds).1f ms from %(address)s"
# Longer than any of ours.
MAX_PATH, MAX_METHOD = 200, 20


def add_to_line(request: HttpRequest, **fields: object) -> None:
    request.__dict__.setdefault("log_fields", {}).update(fields)


class FirstMiddleware:
    """Keep the client's X-Request-ID if it is well formed, otherwise make one; set the policy.

    Logs one line for each request, except for static files and what monitoring asks every few
    seconds.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request_id_of(request.META.get("HTTP_X_REQUEST_ID", ""))
        reset, reset_served = request_id.set(given), served_request_id.set(given)
        started = time.perf_counter()
        if "HTTP_X_FORWARDED_PROTO" in request.META and not is_from_proxy(request):
            # Django believes any; only a trusted proxy may set it.
            del request.META["HTTP_X_FORWARDED_PROTO"]
        try:
            response = self.get_response(request)
            elapsed = time.perf_counter() - started
            response["X-Request-ID"] = given
            is_page = response.headers.get("Content-Type", "").startswith("text/html")
            # A view may have set one.
            response.headers.setdefault(POLICY_HEADER, PAGE_POLICY if is_page else DATA_POLICY)
            # Django would log a failure again, after the request's id is reset.
            response._has_been_logged = True  # type: ignore[attr-defined]
            observe_request(request, response.status_code, elapsed)
            _log_request(request, response.status_code, elapsed)
        finally:
            request_id.reset(reset)
            served_request_id.reset(reset_served)
        return response


def _log_request(request: HttpRequest, status: int, seconds: float) -> None:
    path = request.path
    if path in settings.MONITOR_PATHS or path.startswith(settings.STATIC_URL):
        return
    more: dict[str, object] = getattr(request, "log_fields", {})
    fields = {
        "method": str(request.method)[:MAX_METHOD],
        "path": path[:MAX_PATH].encode("unicode_escape").decode(),
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "address": client_address(request),
        **more,
    }
    logger.info(_LINE + "".join(f" {name}=%({name})s" for name in more), fields)


# --- The client's address, as far as its proxies can be trusted --------------------------------

# No address is longer, and no longer text is kept.
MAX_ADDRESS_CHARACTERS = 64


def is_from_proxy(request: HttpRequest) -> bool:
    """Whether one of TRUSTED_PROXIES passed the request on."""
    return _is_trusted(str(request.META.get("REMOTE_ADDR", "")))


def client_address(request: HttpRequest) -> str:
    """The address that the request counts on."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    return address_of_peer(peer, request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_of_peer(peer: str, forwarded_for: str) -> str:
    """The peer, or behind TRUSTED_PROXIES the last X-Forwarded-For entry that is no proxy.

    An IPv6 address stands for its /64, which one subscriber holds whole.
    """
    if settings.TRUSTED_PROXIES and _is_trusted(peer):
        for hop in reversed(forwarded_for.split(",")):
            if not (hop := _without_port(hop.strip())):
                continue
            peer = hop
            if not _is_trusted(hop):
                break
    return _counted_as(peer[:MAX_ADDRESS_CHARACTERS])


def _without_port(hop: str) -> str:
    """The address of `192.0.2.1:4711` or `[2001:db8::1]:4711`, as some proxies write it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(text)
    return None


def _is_trusted(text: str) -> bool:
    address = _address(text) if len(text) <= MAX_ADDRESS_CHARACTERS else None
    return address is not None and any(address in network for network in settings.TRUSTED_PROXIES)


@lru_cache(maxsize=4096)
def _counted_as(text: str) -> str:
    address = _address(text)
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


# --- Security headers ---------------------------------------------------------------------------

# django-csp builds its one policy anew for each response, in 50 µs; these never change.
POLICY_HEADER = "Content-Security-Policy"
# Only scripts and styles of our own files: none inline, none made of text.
_OF_PAGES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"


def _policy(directives: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in directives.items())


PAGE_POLICY = _policy(_OF_PAGES)


@lru_cache(maxsize=256)
def camera_policy(stream_url: str, *frames: str) -> str:
    """The policy of a page with a camera, a landmarker of WebAssembly, and a stream.

    Pages of the origins `frames` may frame it.
    """
    stream = urlsplit(stream_url)
    return _policy(
        _OF_PAGES
        | {
            "script-src": "'self' 'wasm-unsafe-eval'",
            "connect-src": f"'self' {stream.scheme}://{stream.netloc}",
            "frame-ancestors": " ".join(frames) or "'none'",
        }
    )


class ApiSecurityMiddleware(SecurityMiddleware):
    """Django's SecurityMiddleware, with X-Frame-Options and what CommonMiddleware does."""

    def process_request(self, request: HttpRequest) -> Any:
        try:
            redirect = super().process_request(request)
            if redirect is None and request.path not in settings.MONITOR_PATHS:
                request.get_host()
            return redirect
        except DisallowedHost as refusal:
            return response_for_exception(request, refusal)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response


class HostCheckedExceptForMonitors(CommonMiddleware):
    """Django's check of ALLOWED_HOSTS, which monitors' paths skip."""

    def process_request(self, request: HttpRequest) -> Any:
        return None if request.path in settings.MONITOR_PATHS else super().process_request(request)


# --- Origins: which pages a browser lets call us -----------------------------------------------

CROSS_ORIGIN_PATHS = ("/api/", "/.well-known/")
MAX_REPORTED = 100
MAX_ORIGIN_CHARACTERS = 100
# In development a page is served on any port.
_OF_THIS_MACHINE = re.compile(r"https?://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?")


def is_allowed(origin: str) -> bool:
    """Whether CORS_ALLOWED_ORIGINS lists an `Origin`, or in development it is this machine's."""
    if origin in settings.CORS_ALLOWED_ORIGINS:
        return True
    return not settings.PRODUCTION and _OF_THIS_MACHINE.fullmatch(origin) is not None


def may_stream(origin: str) -> bool:
    """Whether a page may open a stream: also the pages that count, which are on our own host."""
    return is_allowed(origin) or origin in own_origins()


def own_origins() -> list[str]:
    """The origins of the hosts that ALLOWED_HOSTS names; a pattern names none."""
    hosts = (host.lower() for host in settings.ALLOWED_HOSTS)
    return [f"https://{host}" for host in hosts if not host.startswith((".", "*"))]


def origin_refusal(origin: str) -> str:
    shown = repr(origin)[1:-1].encode("ascii", "backslashreplace").decode()
    shown = shown[:MAX_ORIGIN_CHARACTERS]
    return f"The server's setting CORS_ALLOWED_ORIGINS does not list the origin {shown}."


class OriginMiddleware(CorsMiddleware):
    """corsheaders with our rule. Logs each refused origin once a process, up to MAX_REPORTED.

    A browser shows a page nothing of an answer that the page may not read.
    """

    def __init__(self, get_response: object) -> None:
        super().__init__(get_response)  # type: ignore[arg-type]
        self._reported: set[str] = set()
        self._reporting = Lock()

    def __call__(self, request: HttpRequest) -> Any:
        # Most requests come from no page.
        if "HTTP_ORIGIN" in request.META or request.method == "OPTIONS":
            return super().__call__(request)
        response: Any = self.get_response(request)
        if self.is_enabled(request):
            patch_vary_headers(response, ("origin",))
        return response

    def is_enabled(self, request: HttpRequest) -> bool:
        return request.path_info.startswith(CROSS_ORIGIN_PATHS)

    def origin_found_in_white_lists(self, origin: str, url: object) -> bool:
        return is_allowed(origin)

    def add_response_headers(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        response = super().add_response_headers(request, response)
        origin = request.headers.get("Origin")
        if origin and self.is_enabled(request) and not is_allowed(origin):
            self._report(request, origin)
        return response

    def _report(self, request: HttpRequest, origin: str) -> None:
        with suppress(ValueError):
            # Browsers also send the origin of our own pages, such as /api/docs.
            if urlsplit(origin).netloc == str(request.META.get("HTTP_HOST", "")):
                return
        sentence = origin_refusal(origin)  # bounded, as is the memory for a stranger's text
        with self._reporting:
            if sentence in self._reported or len(self._reported) == MAX_REPORTED:
                return
            self._reported.add(sentence)
        logging.getLogger("kynaplatform.origins").warning("%s", sentence)
