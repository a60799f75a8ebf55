"""One pass of the engine over a listing, and what it really did."""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

import cocoindex as coco

from cocosearch.errors import IndexingError
from cocosearch.indexing.engine.app import COMPONENT_CONTEXT, ComponentContext, index_files
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.engine.flow import Recipe
from cocosearch.indexing.engine.rows import ROW_STORE, RowStore
from cocosearch.indexing.reporter import Reporter
from cocosearch.indexing.sources.listing import Listing
from cocosearch.projects import Project

log = logging.getLogger(__name__)

# Files under work at the same time: while one is written, others are cut.
FILES_IN_FLIGHT = 16
WATCH_SECONDS = 0.2
# Name under which the engine counts the components of files: that of app.index_file.
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
    path: Path
    store: RowStore
    reporter: Reporter
    children: Children

    async def run(self, listing: Listing, recipe: Recipe) -> EngineReport:
        """Make the rows those of the listing; errors are reported, not raised."""
        errors: list[str] = []

        async def note_error(error: BaseException, context: coco.ExceptionContext) -> None:
            log.warning("%s: %s: %s", self.project.name, context.stable_path, error)
            errors.append(_described(error, context))

        provider = coco.ContextProvider()
        provider.provide(ROW_STORE, self.store)
        provider.provide(COMPONENT_CONTEXT, ComponentContext(self.project.root, self.children))
        environment = coco.Environment(
            coco.Settings(db_path=self.path, lmdb_map_size=self.map_bytes),
            context_provider=provider,
            event_loop=asyncio.get_running_loop(),
            exception_handler=note_error,
        )
        try:
            config = coco.AppConfig(name="index", environment=environment, max_inflight_components=FILES_IN_FLIGHT)
            handle = coco.App(config, index_files, list(listing.files), recipe).update()
            watcher = asyncio.create_task(self._watch(handle))
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
        self.reporter.files_done = files - len(errors)
        return EngineReport(
            changed=sum(c.num_adds + c.num_reprocesses for name, c in components.items() if name == _FILE_COMPONENT),
            deleted=sum(c.num_deletes for c in components.values()),
            errors=tuple(errors),
        )

    async def _watch(self, handle: coco.UpdateHandle[None]) -> None:
        while True:
            stats = handle.stats()
            component = stats.by_component.get(_FILE_COMPONENT) if stats else None
            self.reporter.files_done = component.num_finished if component else 0
            await asyncio.sleep(WATCH_SECONDS)


def _described(error: BaseException, context: coco.ExceptionContext) -> str:
    if isinstance(error, IndexingError):  # it names the file
        return str(error)
    where = context.stable_path.rsplit("/@index_file/", 1)[-1].strip('"')
    return f"{where}: {str(error) or type(error).__name__}"
