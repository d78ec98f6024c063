"""Files as answers: the server reads them itself, at the pace of their client.

Read here, a file would hold a thread, or memory, until a slow client has taken it.
"""

from typing import BinaryIO

from whitenoise.responders import SlicedFile  # type: ignore[import-untyped]

from kynaplatform.incoming import HttpProtocol


class FileAnswer:
    """An open file, or the slice of one that a range asks for: the file wrapper of PEP 3333."""

    def __init__(self, file: BinaryIO | SlicedFile, _block_bytes: int) -> None:
        self._file = file

    def send(self, protocol: HttpProtocol, status: int, headers: list[tuple[str, str]]) -> None:
        file = self._file
        if isinstance(file, SlicedFile):
            start = file.fileobj.tell()
            end = start + file.remaining
            protocol.response_file_range(status, headers, file.fileobj.name, start, end)
        else:
            protocol.response_file(status, headers, file.name)

    def close(self) -> None:
        self._file.close()
