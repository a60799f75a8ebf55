"""Logging of our processes: to stderr, a line each, where the journal or a container's log takes it from."""

import logging
import sys
from collections.abc import Iterable


def log_to_stderr(level: str = "info", *, quiet: Iterable[str] = ()) -> None:
    """Send all records of that level and above to stderr; stdout belongs to answers.

    Args:
        level: its name.
        quiet: loggers that talk a lot, of which only warnings are worth a line.
    """
    logging.basicConfig(level=level.upper(), stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True)
    for name in quiet:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
