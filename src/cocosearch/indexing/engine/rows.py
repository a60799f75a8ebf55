"""Rows of one file, as the target of the engine: written in one transaction, replaced as a whole."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cocoindex as coco
import msgspec
from pgvector import SparseVector

from cocosearch.database.connection import Connection, Pool
from cocosearch.errors import DatabaseUnavailableError, HeldUpError
from cocosearch.indexing.engine.file_rows import FileRows
from cocosearch.lexicon.terms import DIMENSIONS


class RowStore:
    """Writes the rows of one project, until the database cannot: then it refuses the rest, and `failure` says why."""

    def __init__(self, pool: Pool, project_id: int) -> None:
        self._pool = pool
        self._project_id = project_id
        self.failure: HeldUpError | DatabaseUnavailableError | None = None

    def replace(self, path: str, rows: FileRows | None) -> None:
        """Put a file's rows in the place of those there are; None deletes them."""
        if self.failure is not None:
            raise self.failure
        try:
            with self._pool.connection() as connection, connection.transaction():
                connection.execute("DELETE FROM files WHERE project_id = %s AND path = %s", [self._project_id, path])
                if rows is not None:
                    self._insert(connection, path, rows)
        except (HeldUpError, DatabaseUnavailableError) as error:
            self.failure = error
            raise

    def _insert(self, connection: Connection, path: str, rows: FileRows) -> None:
        connection.execute(
            "INSERT INTO files (project_id, path, language, chunk_count, skip_reason) VALUES (%s, %s, %s, %s, %s)",
            [self._project_id, path, rows.language, len(rows.chunks), rows.skip_reason],
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                INSERT INTO chunks (project_id, path, ordinal, language, start_line, end_line, symbols, enclosing, text,
                                    embedded_digest, terms, weights)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::integer[], %s)
                """,
                [
                    (
                        *(
                            self._project_id,
                            path,
                            ordinal,
                            chunk.language or rows.language,
                            chunk.start_line,
                            chunk.end_line,
                            chunk.symbols,
                        ),
                        *(chunk.enclosing, chunk.text, chunk.embedded_digest),
                        *(chunk.terms(), SparseVector(chunk.weights_from_zero(), DIMENSIONS)),
                    )
                    for ordinal, chunk in enumerate(rows.chunks)
                ],
            )
            cursor.executemany(
                """
                INSERT INTO definitions (project_id, path, kind, name, qualified_name, start_line, end_line, name_line)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                """,
                [
                    (
                        *(self._project_id, path, definition.kind, definition.name, definition.qualified_name),
                        *(definition.start_line, definition.end_line, definition.name_line),
                    )
                    for definition in rows.definitions
                ],
            )


class _Written(msgspec.Struct, frozen=True):
    """What the engine remembers of a file's rows."""

    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Replace:
    """One file's rows to write, or to delete."""

    path: str
    rows: FileRows | None


ROW_STORE = coco.ContextKey[RowStore]("cocosearch/row_store")


async def _apply(context: coco.ContextProvider, actions: Sequence[_Replace], /) -> None:
    store = context.get(ROW_STORE)
    for action in actions:
        await asyncio.to_thread(store.replace, action.path, action.rows)


_sink = coco.TargetActionSink[_Replace].from_async_fn(_apply)


class _FileRowsHandler(coco.TargetHandler[FileRows, _Written]):
    """Tells the engine what to do for one file; without side effects, since it may be asked more than once."""

    def reconcile(
        self,
        key: coco.StableKey,
        desired_target_state: FileRows | coco.NonExistenceType,
        prev_possible_records: Collection[_Written],
        prev_may_be_missing: bool,
        /,
    ) -> coco.TargetReconcileOutput[_Replace, _Written, None] | None:
        path = str(key)
        if isinstance(desired_target_state, coco.NonExistenceType):
            return coco.TargetReconcileOutput(action=_Replace(path, None), sink=_sink, tracking_record=coco.NON_EXISTENCE)
        written = _Written(desired_target_state.fingerprint())
        if not prev_may_be_missing and all(record == written for record in prev_possible_records):
            return None
        return coco.TargetReconcileOutput(action=_Replace(path, desired_target_state), sink=_sink, tracking_record=written)


FILE_ROWS = coco.register_root_target_states_provider("cocosearch/file_rows", _FileRowsHandler())


def declare_file_rows(path: str, rows: FileRows) -> None:
    """Say, inside the engine, what the database is to hold of a file."""
    coco.declare_target_state(FILE_ROWS.target_state(path, rows))
