"""Sessions that start and end at once, one after the other: two messages each."""

import http.client
import threading
from contextlib import suppress

from clients.python.connection import StreamRefusedError
from clients.python.stream import StreamClient, StreamLostError
from tests.deploy.faults.traffic import Api, Traffic

# Longer than a session waits for its first attach.
DEADLINE_SECONDS = 60.0
PACE_SECONDS = 0.5


class Over(Exception):
    """The run is over before the visit is."""


ENDED = (OSError, http.client.HTTPException, StreamRefusedError, StreamLostError, Over)


class Visits:
    """Their creates are among those of `traffic`."""

    def __init__(self, api: Api, traffic: Traffic) -> None:
        self._api = api
        self._creates = traffic.creates
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join(DEADLINE_SECONDS)

    def _go_on(self) -> None:
        number = 0
        while not self._is_over.wait(PACE_SECONDS):
            # What becomes of each is judged by what the database has of it.
            with suppress(*ENDED):
                self._visit(f"visit-{number}")
            number += 1

    def _visit(self, key: str) -> None:
        self._creates[key] = None
        status, created = self._api.create(key)
        if status != 201:
            return
        self._creates[key] = created["session_id"]
        with StreamClient(
            created["stream_url"],
            created["runtime_token"],
            deadline_seconds=DEADLINE_SECONDS,
            pause=self._pause,
        ) as client:
            client.attach()
            client.finalize()

    def _pause(self, seconds: float) -> None:
        if self._is_over.wait(seconds):
            raise Over
