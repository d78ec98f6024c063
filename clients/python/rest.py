"""The client of the API: gets an access token, and creates MoveSpecs and sessions.

It tries again after temporary failures: a rate limit, a restart, a proxy without a server.
"""

import hashlib
import json
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Collection, Iterator
from http.client import HTTPException
from typing import Any, Final, Literal
from urllib.parse import urlencode, urlsplit

from clients.python.connection import backoff, retry_after_seconds

TOKENS = "/api/auth/access-tokens"
SESSIONS = "/api/detection/sessions"
MOVESPECS = "/api/movespecs"
ANSWER_SECONDS = 30.0
EVENTS_A_PAGE = 500
SHORT_HASH_DIGITS, MAX_STEM_CHARACTERS = 12, 200
# Longer than a rate limit's minute.
DEADLINE_SECONDS = 120.0
MIN_WAIT_SECONDS, MAX_WAIT_SECONDS = 0.5, 5.0

# The statuses after which a request is tried again; None is no answer at all. The first set is for
# requests that are safe to repeat, the second for others.
REPEATED: Final = frozenset({429, 502, 503, 504, None})
REFUSED_UNDONE: Final = frozenset({429})


class RequestFailedError(Exception):
    """A request failed with `status`, None for no answer. The server may have asked for a wait."""

    status: int | None = None
    retry_after_seconds = 0.0


class RequestRefusedError(RequestFailedError):
    """The API answered with an error."""

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any]) -> None:
        self.status = status
        self.code = code
        self.details = details
        shown = "".join(
            f", {name} {value}"
            for name, value in details.items()
            if value is not None and not (isinstance(value, str) and value in message)
        )
        super().__init__(f"{message} ({status} {code}{shown})")


class ServerUnreachableError(RequestFailedError):
    """Nothing answered, or nothing that speaks this API."""


class RestClient:
    """The API at `base_url`, such as http://127.0.0.1:8000, for one project.

    A request that fails temporarily is tried again for `deadline_seconds`, if the server has ever
    answered. After that, and for any other failure, every method raises RequestRefusedError or
    ServerUnreachableError. `on_wait` is called before each wait with its seconds and the reason.
    """

    def __init__(
        self,
        base_url: str,
        *,
        on_wait: Callable[[float, str], None] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ServerUnreachableError(f"{base_url} is not an address of http or https.")
        self.base_url = base_url.rstrip("/")
        self._api_key: str | None = None
        self._token: str | None = None
        self._on_wait = on_wait
        self._deadline_seconds = deadline_seconds
        self._pause = pause
        self._has_answered = False
        self._link = ""  # of the last answer
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def mint(self, api_key: str) -> str:
        """Get the access token of later requests, and a new one whenever it expires.

        Returns the id of its project.
        """
        answer = self.ask("POST", TOKENS, {"api_key": api_key})
        self._api_key, self._token = api_key, answer["access_token"]
        return str(answer["project_id"])

    def create_session(
        self, *, project_id: str, mode: Literal["live", "replay"], **more: Any
    ) -> dict[str, Any]:
        """Create a session. `more` has movement, movespec_id or movespec_version_id, and may have
        parameters, subject, metadata and locale.

        An Idempotency-Key prevents a second session after a lost answer.
        """
        body = {"mode": mode, "project_id": project_id, **more}
        return dict(self.ask("POST", SESSIONS, body, key=uuid.uuid4().hex))

    def session(self, session_id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"{SESSIONS}/{session_id}"))

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """All of a session's events, oldest first."""
        return list(self.listed(f"{SESSIONS}/{session_id}/events?limit={EVENTS_A_PAGE}"))

    def cancel(self, session_id: str) -> None:
        """Cancel a session, in one try: a client that exits does not wait."""
        self._ask_once("POST", f"{SESSIONS}/{session_id}/cancel")

    def listed(self, path: str) -> Iterator[dict[str, Any]]:
        """The items of all pages."""
        while path:
            items = self.ask("GET", path)
            following = re.match(r'<(.*?)>; rel="next"', self._link)
            # At the given address: the server may know itself by another name.
            path = (
                urlsplit(following[1])._replace(scheme="", netloc="").geturl() if following else ""
            )
            yield from items

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        retried: Collection[int | None] = REPEATED,
    ) -> Any:
        """The JSON that answers a request. `key` is its Idempotency-Key."""
        deadline = time.monotonic() + self._deadline_seconds
        waits = backoff(MIN_WAIT_SECONDS, MAX_WAIT_SECONDS)
        while True:
            try:
                return self._ask_once(method, path, body, key)
            except RequestFailedError as failure:
                seconds = failure.retry_after_seconds + next(waits)
                may_pass = failure.status in retried and self._has_answered
                if not may_pass or time.monotonic() + seconds > deadline:
                    raise
                if self._on_wait is not None:
                    self._on_wait(seconds, str(failure))
            self._pause(seconds)

    def _ask_once(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The JSON of one try, with a new token if the old one has expired."""
        try:
            return self._send(method, path, body, key)
        except RequestRefusedError as refusal:
            if refusal.code != "access_token_expired" or self._api_key is None:
                raise
        self._token = self._send("POST", TOKENS, {"api_key": self._api_key})["access_token"]
        return self._send(method, path, body, key)

    def _send(self, method: str, path: str, body: Any, key: str | None = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.base_url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        if self._token is not None and path != TOKENS:
            request.add_header("Authorization", f"Bearer {self._token}")
        if key is not None:
            request.add_header("Idempotency-Key", key)
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                self._has_answered = True
                self._link = response.headers.get("Link", "")
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            self._has_answered = True
            failure: RequestFailedError
            try:
                error = json.load(refusal)["error"]
                failure = RequestRefusedError(
                    refusal.code, error["code"], error["message"], error["details"]
                )
            except (ValueError, TypeError, KeyError, OSError, HTTPException):
                failure = ServerUnreachableError(
                    f"{refusal.url} answered {refusal.code}, and not as this API does."
                )
                failure.status = refusal.code
            failure.retry_after_seconds = retry_after_seconds(refusal.headers.get("Retry-After"))
            raise failure from None
        except (OSError, HTTPException, ValueError) as error:
            raise ServerUnreachableError(f"{self.base_url} does not answer: {error}") from error


def version_of_text(api: RestClient, project_id: str, stem: str, yaml_source: str) -> str:
    """The id of an unreleased version with this text, created if there is none.

    Its MoveSpec is named after the file and a hash of the text. Two runs at once may create two;
    later runs use the older. A text with errors leaves an archived MoveSpec. Raises
    RequestFailedError.
    """
    content_hash = hashlib.sha256(yaml_source.encode()).hexdigest()
    name = f"{stem[:MAX_STEM_CHARACTERS]} {content_hash[:SHORT_HASH_DIGITS]}"
    own = urlencode({"project_id": project_id, "visibility": "private"})
    kept = [found for found in api.listed(f"{MOVESPECS}?{own}") if found["name"] == name]
    for movespec in reversed(kept):
        for version in api.listed(f"{MOVESPECS}/{movespec['movespec_id']}/versions"):
            if version["content_hash"] == content_hash and version["withdrawn_at"] is None:
                return str(version["movespec_version_id"])
    created = api.ask("POST", MOVESPECS, {"name": name}, retried=REFUSED_UNDONE)
    path = f"{MOVESPECS}/{created['movespec_id']}"
    try:
        api.ask("PUT", f"{path}/draft", {"yaml_source": yaml_source})
        return str(api.ask("POST", f"{path}/versions")["movespec_version_id"])
    except RequestFailedError:
        api.ask("POST", f"{path}/archive")
        raise
