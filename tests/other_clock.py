"""Processes whose machine has another clock than the database's."""

from pathlib import Path

from tests.plugin import skip_without


def clock_ahead(seconds: int) -> dict[str, str]:
    """Variables with which a process reads a clock that is so far ahead; its steps are the same."""
    libraries = sorted(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))
    if not libraries:
        skip_without("no libfaketime is installed")
    return {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME": f"{seconds:+d}s",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
