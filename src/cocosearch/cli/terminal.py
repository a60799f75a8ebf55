"""What the commands of people have in common: settings, logs and sentences at a terminal."""

import logging
import sys
from typing import TYPE_CHECKING

from cocosearch.access.text import line
from cocosearch.process.logs import log_to_stderr
from cocosearch.settings import LogLevel, Settings, load_settings

if TYPE_CHECKING:
    from cocosearch.database.connection import OnWait


def settings_of_a_user() -> Settings:
    """Settings for a command at a terminal, where only warnings disturb."""
    settings = load_settings()
    log_at(settings.log_level if settings.log_level is not LogLevel.INFO else LogLevel.WARNING)
    return settings


def log_at(level: LogLevel) -> None:
    """Log to stderr from that level on, without what libraries say of each request."""
    log_to_stderr(level.value, quiet=("httpx", "httpcore"))
    if level is not LogLevel.DEBUG:  # the pool warns of each attempt to connect; the error at their end says it all
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


def say(message: str) -> None:
    """Write a line for the person at the terminal, apart from the output."""
    sys.stderr.write(line(message))
    sys.stderr.flush()


def changes_said() -> "OnWait":
    """Says what is waited for, once for each reason; called from several threads."""
    said: list[str | None] = [None]

    def tell(sentence: str | None) -> None:
        if sentence is not None and sentence != said[0]:
            say(f"Waiting: {sentence}")
        said[0] = sentence

    return tell
