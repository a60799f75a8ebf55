"""One pass of the engine over a listing, and what it really did."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.database.connection import Pool
from cocosearch.indexing.embedding import Embedder
from cocosearch.indexing.flow import WORKSHOP, Recipe, Workshop, index_files
from cocosearch.indexing.listing import Listing
from cocosearch.indexing.progress import Progress, ProgressCallback, store_progress
from cocosearch.indexing.rows import ROW_STORE, RowStore
from cocosearch.projects import Project

log = logging.getLogger(__name__)

# Files whose texts wait for vectors at the same time: enough to fill batches, few enough to keep their texts in little memory.
FILES_IN_FLIGHT = 64
PROGRESS_SECONDS = 0.5
# Name under which the engine counts the components of files: that of flow.index_file.
_FILE_COMPONENT = "index_file"


@dataclass(frozen=True, slots=True)
class EngineReport:
    """What the engine says of one run, less what it calls success."""

    changed: int
    deleted: int
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine with what a run needs; `run` may be called again."""

    map_bytes: int
    project: Project
    project_id: int
    path: Path
    pool: Pool
    embedder: Embedder
    on_progress: ProgressCallback

    async def run(self, listing: Listing, recipe: Recipe) -> EngineReport:
        """Make the rows those of the listing; errors are reported, not raised."""
        errors: list[str] = []

        async def note_error(error: BaseException, context: coco.ExceptionContext) -> None:
            log.warning("%s: %s: %s", self.project.name, context.stable_path, error)
            errors.append(_described(error, context))

        provider = coco.ContextProvider()
        provider.provide(ROW_STORE, RowStore(self.pool, self.project_id))
        provider.provide(WORKSHOP, Workshop(self.project.root, self.embedder))
        environment = coco.Environment(
            coco.Settings(db_path=self.path, lmdb_map_size=self.map_bytes),
            context_provider=provider,
            event_loop=asyncio.get_running_loop(),
            exception_handler=note_error,
        )
        try:
            config = coco.AppConfig(name="index", environment=environment, max_inflight_components=FILES_IN_FLIGHT)
            async with self.embedder:
                handle = coco.App(config, index_files, list(listing.files), recipe).update()
                watcher = asyncio.create_task(self._watch(handle, len(listing.files)))
                try:
                    await handle
                finally:
                    watcher.cancel()
            return self._report(handle, len(listing.files), errors)
        finally:
            environment.close()

    def _report(self, handle: coco.UpdateHandle[None], files: int, errors: list[str]) -> EngineReport:
        stats = handle.stats()
        components = stats.by_component if stats else {}
        counted = sum(component.num_errors for component in components.values())
        while len(errors) < counted:
            errors.append("the engine reports an error without a reason")
        self._show(Progress(files, files - len(errors), self._chunks_done()))
        return EngineReport(
            changed=sum(c.num_adds + c.num_reprocesses for name, c in components.items() if name == _FILE_COMPONENT),
            deleted=sum(c.num_deletes for c in components.values()),
            errors=tuple(errors),
        )

    async def _watch(self, handle: coco.UpdateHandle[None], files: int) -> None:
        while True:
            stats = handle.stats()
            component = stats.by_component.get(_FILE_COMPONENT) if stats else None
            await asyncio.to_thread(self._show, Progress(files, component.num_finished if component else 0, self._chunks_done()))
            await asyncio.sleep(PROGRESS_SECONDS)

    def _chunks_done(self) -> int:
        counts = self.embedder.counts
        return counts.embedded + counts.cached + counts.refused

    def _show(self, progress: Progress) -> None:
        self.on_progress(progress)
        with self.pool.connection() as connection:
            store_progress(connection, self.project_id, progress)


def _described(error: BaseException, context: coco.ExceptionContext) -> str:
    where = context.stable_path.rsplit("/@index_file/", 1)[-1].strip('"')
    return f"{where}: {str(error) or type(error).__name__}"
