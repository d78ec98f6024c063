"""The bucket of a session's events, in the frames' time, so that batching changes nothing in it."""

from collections.abc import Iterable
from typing import Any, Final

from detection import DetectionEvent

MAX_EVENTS_PER_BATCH: Final = 200
EVENTS_A_SECOND: Final = 20
OUTCOMES: Final = ("event_completed", "event_interrupted")


class EventBucket:
    """A token bucket: an entered shape or a cue takes one token, or is left out.

    The exit of a shape is left out with its entry, and else takes a token, also where there is
    none. Outcomes take no token and are never left out.
    """

    def __init__(
        self,
        most_events: int,
        left: float = MAX_EVENTS_PER_BATCH,
        at_ms: float | None = None,
        hidden: Iterable[str] = (),
        thinned: int = 0,
    ) -> None:
        """After `most_events` that are stored only outcomes are.

        `hidden` are the shapes whose entry was left out: `bottom`, or `bottom:left` of a side.
        `thinned` counts what was.
        """
        self._most_events = most_events
        self._left = left
        self._at_ms = at_ms
        self._hidden = set(hidden)
        self.thinned = thinned

    def state(self) -> dict[str, Any]:
        """The other arguments that make it again, as JSON values."""
        return {
            "left": self._left,
            "at_ms": self._at_ms,
            "hidden": sorted(self._hidden),
            "thinned": self.thinned,
        }

    def takes(self, event: DetectionEvent, stored: int) -> bool:
        """Whether `event` is kept, of a session with so many `stored` events."""
        if event.type in OUTCOMES:
            return True
        is_kept = self._has_room(event) and stored < self._most_events
        if is_kept:
            self._left -= 1
        else:
            self.thinned += 1
        return is_kept

    def _has_room(self, event: DetectionEvent) -> bool:
        if self._at_ms is not None and event.ts_ms > self._at_ms:
            refill = (event.ts_ms - self._at_ms) * EVENTS_A_SECOND / 1000
            self._left = min(MAX_EVENTS_PER_BATCH, self._left + refill)
        self._at_ms = max(event.ts_ms, self._at_ms or event.ts_ms)
        shape = _shape_of(event)
        if event.type == "shape_exit":
            was_hidden = shape in self._hidden
            self._hidden.discard(shape)
            return not was_hidden
        has_room = self._left >= 1
        if shape is not None and not has_room:
            self._hidden.add(shape)
        return has_room


def _shape_of(event: DetectionEvent) -> str | None:
    """The shape that an event enters or leaves; one is another on each side that it is told of."""
    shape: str | None = event.payload.get("shape_key")
    side: str | None = event.payload.get("side")
    return shape if shape is None or side is None else f"{shape}:{side}"
