"""What a StreamClient tells whoever watches it."""

from client.wire import Event, FrameAck


class StreamListener:
    """What a StreamClient tells while it works; each does nothing unless overridden."""

    def events_came(self, events: list[Event]) -> None:
        """New ones, in order: what was sent again after an attach is left out."""

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        """The batch's frames, accepted or rejected, are dealt with for good."""

    def connection_lost(self, why: str) -> None:
        """It will be attached again."""

    def told_to_wait(self, seconds: float, why: str) -> None:
        """So long, before it is tried again."""
