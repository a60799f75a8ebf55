"""Lines of the log that strangers cause: the first of a kind, and how many more there were; never a flood."""

import logging
import time
from collections import Counter

SECONDS = 60.0
_TELLING_CHARACTERS = 24
_CAUSED_BY_STRANGERS = ("uvicorn.error", "cocosearch.access.guard", "mcp.server.sse")


class OncePerMinute(logging.Filter):
    """Lets a warning through once a minute, and adds the number of those that were left out; whatever is no warning passes."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        if record.levelno != logging.WARNING:
            return True
        kind = record.name + str(record.msg)[:_TELLING_CHARACTERS]
        now = time.monotonic()
        if kind in self._said and now - self._said[kind] < SECONDS:
            self._left_out[kind] += 1
            return False
        self._said[kind] = now
        if more := self._left_out.pop(kind, 0):
            record.msg = f"{record.msg} ({more} more like it before)"
        return True


def _as_warning(record: logging.LogRecord) -> bool:
    """For a library that logs a client's malformed message as an exception of its own."""
    if record.exc_info:
        record.exc_info = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


_ONCE_PER_MINUTE = OncePerMinute()


def log_strangers_once() -> None:
    """From now on the loggers of what strangers cause do not repeat themselves."""
    logging.getLogger("mcp.server.sse").addFilter(_as_warning)
    for name in _CAUSED_BY_STRANGERS:
        logging.getLogger(name).addFilter(_ONCE_PER_MINUTE)
