"""What is written of requests that no client of ours sends."""

import logging

LONGEST = 200


class OneLine(logging.Filter):
    """A warning of one line, without our own stack: strangers send these as often as they like."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg = record.getMessage().encode("unicode_escape").decode()[:LONGEST]
        record.args = record.exc_info = record.exc_text = None
        return True
