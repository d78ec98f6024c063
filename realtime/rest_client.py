"""A client of the API's part of a session: mint, create, read, cancel. Standard library only."""

import json
import urllib.error
import urllib.request
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

SESSIONS = "/api/detection/sessions"
MOVESPECS = "/api/movespecs"
ANSWER_SECONDS = 30.0
EVENTS_A_PAGE = 500


class RequestRefusedError(Exception):
    """The API answered with an error."""

    def __init__(self, status: int, code: str, message: str, details: dict[str, Any]) -> None:
        self.status = status
        self.code = code
        self.details = details
        told = "".join(f", {name} {value}" for name, value in details.items() if value is not None)
        super().__init__(f"{message} ({status} {code}{told})")


class ServerUnreachableError(Exception):
    """Nothing answered, or nothing that speaks this API."""


class RestClient:
    """The API at `base_url`, such as http://127.0.0.1:8000, as one project.

    Every method raises RequestRefusedError and ServerUnreachableError.
    """

    def __init__(self, base_url: str) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise ServerUnreachableError(f"{base_url} is not an address of http or https.")
        self.base_url = base_url.rstrip("/")
        self._token: str | None = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def mint(self, api_key: str) -> str:
        """Take out a token for what follows; answers the id of its project."""
        answer = self.ask("POST", "/api/auth/access-tokens", {"api_key": api_key})
        self._token = answer["access_token"]
        project_id: str = answer["project_id"]
        return project_id

    def create_movespec(self, name: str) -> str:
        """Its id. It is private, and has no version yet."""
        movespec_id: str = self.ask("POST", MOVESPECS, {"name": name})["movespec_id"]
        return movespec_id

    def create_version(self, movespec_id: str, yaml_source: str) -> str:
        """The id of a version of a MoveSpec, which is not released."""
        path = f"{MOVESPECS}/{movespec_id}"
        self.ask("PUT", f"{path}/draft", {"yaml_source": yaml_source})
        version_id: str = self.ask("POST", f"{path}/versions")["movespec_version_id"]
        return version_id

    def archive_movespec(self, movespec_id: str) -> None:
        self.ask("POST", f"{MOVESPECS}/{movespec_id}/archive")

    def create_session(
        self, *, project_id: str, mode: Literal["live", "replay"], **reference: str
    ) -> dict[str, Any]:
        """`reference` is movespec_id or movespec_version_id."""
        body = {"mode": mode, "project_id": project_id, **reference}
        answer: dict[str, Any] = self.ask("POST", SESSIONS, body)
        return answer

    def session(self, session_id: str) -> dict[str, Any]:
        record: dict[str, Any] = self.ask("GET", f"{SESSIONS}/{session_id}")
        return record

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """All of a session's events, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": EVENTS_A_PAGE, **({"after": found[-1]["event_id"]} if found else {})}
            page = self.ask("GET", f"{SESSIONS}/{session_id}/events?{urlencode(query)}")
            found += page
            if len(page) < EVENTS_A_PAGE:
                return found

    def cancel(self, session_id: str) -> None:
        self.ask("POST", f"{SESSIONS}/{session_id}/cancel")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to one request, by the token if there is one."""
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.base_url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=ANSWER_SECONDS) as response:
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            raise _refused(refusal) from None
        except (OSError, ValueError) as error:
            raise ServerUnreachableError(f"{self.base_url} does not answer: {error}") from error


def _refused(refusal: urllib.error.HTTPError) -> Exception:
    try:
        error = json.load(refusal)["error"]
        return RequestRefusedError(refusal.code, error["code"], error["message"], error["details"])
    except (ValueError, TypeError, KeyError):
        return ServerUnreachableError(
            f"{refusal.url} answered {refusal.code}, and not as this API does."
        )
