"""The listener of a StreamClient: a base class for whatever watches a stream."""

from clients.python.wire import Event, FrameAck, HoldProgress, Readiness


class StreamListener:
    """The calls that a StreamClient makes while it works. Each does nothing unless overridden."""

    def events_came(self, events: list[Event]) -> None:
        """New events, in order, without those that an attach brought again."""

    def batch_acknowledged(self, ack: FrameAck, frames: int) -> None:
        """A batch of so many frames is acknowledged, and is not sent again."""

    def readiness_changed(self, readiness: Readiness) -> None:
        """Whether anything counts yet, or what is missing, is another than before."""

    def hold_followed(self, hold: HoldProgress) -> None:
        """A movement that is held was acknowledged so far."""

    def ack_is_late(self, seconds: float) -> None:
        """For so long no ack has come, though batches wait for one. It is called once until one
        comes."""

    def connection_lost(self, why: str) -> None:
        """The connection was lost; an attach follows."""

    def told_to_wait(self, seconds: float, why: str) -> None:
        """The server asked for a wait before the next try."""
