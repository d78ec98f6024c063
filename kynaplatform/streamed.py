"""Answers that are sent as they are made, no faster than their client takes them.

The server queues without bound what its own streams are given: a slow client would have all of an
answer in memory. It reads a pipe as it reads a file, and a pipe holds little.
"""

import os
import select
import time
from collections.abc import Iterable

from kynaplatform.incoming import HttpProtocol

# What a pipe holds.
PIPE_BYTES = 64 * 1024
# A client may take this long and what its bytes take at the least pace.
GRACE_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 64 * 1024


class ClientTooSlow(Exception):
    """The client is gone or takes too little, so its answer ends."""


def send_as_made(
    protocol: HttpProtocol, status: int, headers: list[tuple[str, str]], chunks: Iterable[bytes]
) -> None:
    """Answer with `chunks` from a thread, which waits for the client. Raises ClientTooSlow."""
    following, first = iter(chunks), bytearray()
    for chunk in following:
        first += chunk
        # All of it written means that the server has opened the pipe.
        if len(first) > PIPE_BYTES:
            break
    else:
        protocol.response_bytes(status, headers, bytes(first))
        return
    source, pipe = os.pipe()
    with open(pipe, "wb", buffering=0) as end:
        os.set_blocking(pipe, False)
        try:
            protocol.response_file(status, headers, f"/dev/fd/{source}")
            seconds_left = _write(end.fileno(), first, GRACE_SECONDS)
        finally:
            # The server's own is the only one that is left: without it nothing can be written.
            os.close(source)
        for chunk in following:
            seconds_left = _write(end.fileno(), chunk, seconds_left)


def _write(pipe: int, chunk: bytes | bytearray, seconds_left: float) -> float:
    """For how many more seconds the client may be waited for."""
    seconds_left += len(chunk) / LEAST_BYTES_PER_SECOND
    rest = memoryview(chunk)
    while rest:
        began = time.monotonic()
        if not select.select([], [pipe], [], seconds_left)[1]:
            raise ClientTooSlow
        seconds_left = max(0.0, seconds_left - (time.monotonic() - began))
        try:
            rest = rest[os.write(pipe, rest) :]
        except BrokenPipeError as error:
            raise ClientTooSlow from error
    return seconds_left
