"""The indexer's sign of life: a row that its main loop writes, so that others can tell one that works from one that hangs."""

import math
import os
import socket
from dataclasses import dataclass
from enum import StrEnum

from cocosearch.database.connection import Connection
from cocosearch.database.locks import INDEXER_LOCK, IS_HELD

# The main loop writes so often, and counts as hung when it has not for so long: it never waits for a project, only for the database.
BEAT_SECONDS = 5.0
SILENT_SECONDS = 60.0

# Whether an indexer holds the lock, and the age of its last sign of life. One that has just got the lock has none yet.
_LIFE = f"""
    SELECT {IS_HELD},
           h.host, h.pid, h.doing, extract(epoch FROM clock_timestamp() - h.beat_at)
    FROM (SELECT) nothing LEFT JOIN indexer_heartbeat h ON true
"""  # noqa: S608 - constants


class Life(StrEnum):
    """How the indexer is."""

    LIVES = "lives"
    HANGS = "hangs"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class IndexerLife:
    """How the indexer is, and the sentence about it."""

    life: Life
    detail: str


def beat(connection: Connection, doing: str, vector_age: float | None = None) -> None:
    """Say that the indexer, this process, lives. A crash of the server may take the last ones: they are worth no wait for its disk.

    Args:
        connection: in no transaction.
        doing: in words, for an operator.
        vector_age: seconds since it had a vector from the model; None or infinite: it has none to tell of.
    """
    seconds = vector_age if vector_age is not None and math.isfinite(vector_age) else None
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute(
            """
            INSERT INTO indexer_heartbeat (host, pid, beat_at, doing, vector_at)
            VALUES (%(host)s, %(pid)s, clock_timestamp(), %(doing)s, clock_timestamp() - make_interval(secs => %(vector_age)s))
            ON CONFLICT (only_row)
            DO UPDATE SET host = excluded.host, pid = excluded.pid, beat_at = excluded.beat_at, doing = excluded.doing,
                          vector_at = excluded.vector_at
            """,
            {"host": socket.gethostname(), "pid": os.getpid(), "doing": doing, "vector_age": seconds},
        )


def indexer_vector_age(connection: Connection) -> float | None:
    """Seconds since the indexer had a vector from the model; None where it has told of none."""
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp() - vector_at) FROM indexer_heartbeat").fetchone()
    return None if row is None or row[0] is None else float(row[0])


def indexer_life(connection: Connection) -> IndexerLife:
    """Whether an indexer works on this database."""
    row = connection.execute(_LIFE, INDEXER_LOCK).fetchone()
    assert row is not None  # noqa: S101 - the query always has one row
    locked, host, pid, doing, age = row
    if not locked:
        return IndexerLife(Life.GONE, "No indexer runs: nothing new is indexed, and no change of a file is seen.")
    if age is not None and age > SILENT_SECONDS:
        sentence = f"The indexer (process {pid} on {host}) has given no sign of life for {age:.0f} s; its last word: {doing}."
        return IndexerLife(Life.HANGS, sentence)
    return IndexerLife(Life.LIVES, f"Process {pid} on {host}: {doing}." if host else "It has just started.")
