"""Makes indexes anew while searches and runs go on; what was broken off leaves an index that is not used, and the next call removes it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from psycopg import sql

from cocosearch.database.connection import Connection, connect
from cocosearch.database.extension import build_safely
from cocosearch.database.locks import BUILD_LOCK, is_held, try_lock
from cocosearch.database.models import create_vector_index, models_without_index
from cocosearch.errors import CocosearchError
from cocosearch.process.room import require_room
from cocosearch.settings import Settings

REPORT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """How far an index is: `done` of `total` in PostgreSQL's own unit, which changes with the phase; total 0 where it knows none."""

    index: str
    number: int
    of: int
    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What was done."""

    indexes: tuple[str, ...]
    removed: tuple[str, ...]


OnStep = Callable[[Step], None]

_INDEXES = """
    SELECT c.relname
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_am a ON a.oid = c.relam
    WHERE t.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('chunks')) AND i.indisvalid = %(valid)s
      AND t.relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('chunks')) AND (%(all)s OR a.amname = 'hnsw')
    ORDER BY a.amname <> 'hnsw', c.relname
"""
_PROGRESS = """
    SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
           CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
    FROM pg_stat_progress_create_index WHERE pid = %s
"""


def reindex(settings: Settings, on_step: OnStep, *, every_index: bool = False) -> Reindexed:
    """Make the vector indexes anew, or every index, one after the other; each takes the place of the old one when it is complete.

    Args:
        settings: whose database it is; this process's role owns the tables.
        on_step: told how far it is, from this thread.
        every_index: not only those of vectors.

    Raises:
        CocosearchError: another call is at it; or the database's own errors, after which another call goes on.
    """
    with connect(settings) as session, connect(settings) as watcher:
        if not try_lock(session, BUILD_LOCK):
            raise CocosearchError(
                "Another process builds indexes in this database: `cocosearch reindex`, or a run with a new model. Nothing was done; "
                "try again when it has ended."
            )
        build_safely(session)
        removed = _indexes(session, valid=False, every_index=True)
        for name in removed:
            session.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name)))
        for model in models_without_index(session):
            create_vector_index(session, model.id, model.dimensions, concurrently=True)
        names = _indexes(session, valid=True, every_index=every_index)
        for number, name in enumerate(names, 1):
            _rebuild(settings, session, name, lambda: on_step(_step(watcher, session, name, number, len(names))))  # noqa: B023 - called at once
    return Reindexed(tuple(names), tuple(removed))


def unusable_indexes(connection: Connection) -> list[str]:
    """Indexes that a call left incomplete which was broken off: writes keep them up to date, and no search uses them."""
    return [] if is_held(connection, BUILD_LOCK) else _indexes(connection, valid=False, every_index=True)


def _indexes(connection: Connection, *, valid: bool, every_index: bool) -> list[str]:
    return [row[0] for row in connection.execute(_INDEXES, {"valid": valid, "all": every_index})]


def _rebuild(settings: Settings, session: Connection, name: str, report: Callable[[], None]) -> None:
    size = session.execute("SELECT pg_relation_size(%s::regclass)", [_quoted(session, name)]).fetchone()
    require_room(settings, int(size[0]) if size else 0)
    statement = sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(sql.Identifier(name))
    with ThreadPoolExecutor(1, "reindex") as executor:
        building = executor.submit(session.execute, statement)
        try:
            while not building.done():
                report()
                wait([building], REPORT_SECONDS)
        except BaseException:  # an interrupted command leaves nothing at work behind itself
            session.cancel_safe()
            raise
        building.result()


def _quoted(session: Connection, name: str) -> str:
    return sql.Identifier(name).as_string(session)


def _step(watcher: Connection, session: Connection, name: str, number: int, of: int) -> Step:
    row = watcher.execute(_PROGRESS, [session.info.backend_pid]).fetchone()
    phase, done, total = row or ("beginning", 0, 0)
    return Step(name, number, of, phase, done or 0, total or 0)
