"""Creates with keys and reads, through the proxy, at a steady pace, and what became of each."""

import http.client
import json
import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clients.python.rest import SESSIONS, TOKENS, RestClient, version_of_text
from tests.deploy.faults.stage import Stage, StageFailedError

REQUEST_SECONDS = 10.0
PACE_SECONDS = 1.0
CREATORS, READERS = 4, 8
UNAVAILABLE = (503, "service_unavailable")


@dataclass(frozen=True)
class Request:
    """`is_answered`: as it should be, and not that it may be tried again."""

    began_at: float
    ended_at: float
    is_answered: bool


class Api:
    """One project's, at `url`."""

    def __init__(self, url: str, certificate: Path, token: str, body: dict[str, Any]) -> None:
        self._address = urlsplit(url).netloc
        self._trusted = ssl.create_default_context(cafile=str(certificate))
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._body = json.dumps(body)

    def create(self, key: str) -> tuple[int, dict[str, Any]]:
        """Status and answer; OSError or HTTPException where there is none."""
        return self._ask("POST", SESSIONS, self._body, {"Idempotency-Key": key})

    def read(self, session_id: str) -> tuple[int, dict[str, Any]]:
        return self._ask("GET", f"{SESSIONS}/{session_id}", None, {})

    def _ask(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPSConnection(
            self._address, timeout=REQUEST_SECONDS, context=self._trusted
        )
        try:
            connection.request(method, path, body, self._headers | headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()


class Traffic:
    """`creates` has the session that each key was answered with, None where there is no answer.

    `wrong` has what was answered as it never should be.
    """

    def __init__(self, api: Api, created: dict[str, str]) -> None:
        """`created` has the keys and ids of sessions that are there already, and are read."""
        self.requests: list[Request] = []
        self.creates: dict[str, str | None] = {**created}
        self.wrong: list[str] = []
        self._api = api
        self._session_ids = [*created.values()]
        self._is_over = threading.Event()
        named = [(self._create, f"creator-{number}") for number in range(CREATORS)]
        named += [(self._read, f"reader-{number}") for number in range(READERS)]
        # Evenly spread.
        self._threads = [
            threading.Thread(
                target=self._go_on, args=(*one, PACE_SECONDS * place / len(named)), daemon=True
            )
            for place, one in enumerate(named)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(2 * REQUEST_SECONDS)

    def repeat_unanswered(self) -> int:
        """With their keys; how many there were."""
        unanswered = [key for key, session_id in self.creates.items() if session_id is None]
        for key in unanswered:
            try:
                status, answer = self._api.create(key)
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(f"The create {key}, repeated, has no answer: {error}")
                continue
            if status == 201:
                self.creates[key] = answer["session_id"]
            else:
                self.wrong.append(f"The create {key}, repeated, is answered {status} {answer}")
        return len(unanswered)

    def _go_on(self, ask: Callable[[str], bool], name: str, first_seconds: float) -> None:
        number = 0
        self._is_over.wait(first_seconds)
        while not self._is_over.is_set():
            began_at = time.monotonic()
            try:
                is_answered = ask(f"{name}-{number}")
            except Exception as error:  # noqa: BLE001 - an answer that is none of the platform's
                self.wrong.append(f"{name}-{number}: {error!r}")
                is_answered = False
            ended_at = time.monotonic()
            self.requests.append(Request(began_at, ended_at, is_answered))
            number += 1
            self._is_over.wait(PACE_SECONDS - (ended_at - began_at))

    def _create(self, key: str) -> bool:
        self.creates[key] = None
        try:
            status, answer = self._api.create(key)
        except (OSError, http.client.HTTPException):
            return False
        if status == 201:
            self.creates[key] = answer["session_id"]
            return True
        return self._may_try_again(f"The create {key}", status, answer)

    def _read(self, _name: str) -> bool:
        session_id = random.choice(self._session_ids)  # noqa: S311
        try:
            status, answer = self._api.read(session_id)
        except (OSError, http.client.HTTPException):
            return False
        if status == 200:
            return True
        return self._may_try_again(f"A read of {session_id}", status, answer)

    def _may_try_again(self, what: str, status: int, answer: dict[str, Any]) -> bool:
        if (status, answer["error"]["code"]) != UNAVAILABLE:
            self.wrong.append(f"{what} was answered {status} {answer}")
        return False


@dataclass(frozen=True)
class Project:
    id: str
    rest: RestClient
    api: Api


def make_project(stage: Stage, movespec: str) -> Project:
    made = stage.services["api-1"].run("python", "manage.py", "bootstrap_project", "--json")
    return project_of(made, stage.url, stage.certificate, movespec)


def project_of(made: str, url: str, certificate: Path, movespec: str) -> Project:
    """The project that `bootstrap_project` says it has made, with this MoveSpec."""
    credentials = json.loads(made)
    rest = RestClient(url)
    rest.mint(credentials["api_key_secret"])
    version_id = version_of_text(rest, credentials["project_id"], "squat", movespec)
    minted = rest.ask("POST", TOKENS, {"api_key": credentials["api_key_secret"]})
    body: dict[str, Any] = {"mode": "live", "movespec_version_id": version_id}
    body |= {"project_id": credentials["project_id"]}
    api = Api(url, certificate, minted["access_token"], body)
    return Project(credentials["project_id"], rest, api)


def created_by(api: Api, key: str) -> dict[str, Any]:
    status, created = api.create(key)
    if status != 201:
        raise StageFailedError(f"A create is answered {status} {created}")
    return created
