"""Progress of an indexing run on a terminal, on stderr; nothing where stderr is no terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cocosearch.indexing.progress import Progress, ProgressCallback


@contextmanager
def index_progress(name: str) -> Iterator[ProgressCallback]:
    """A bar over the chunks that have vectors, with files, rate and the time left."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("chunks of {task.fields[files]} files  {task.fields[rate]:.0f}/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(name, total=None, files=0, rate=0.0)

        def show(progress: Progress) -> None:
            elapsed = bars.tasks[0].elapsed or 0.0
            rate = progress.chunks_embedded / elapsed if elapsed > 0 else 0.0
            bars.update(task, total=progress.chunks, completed=progress.chunks_embedded, files=progress.files_done, rate=rate)

        yield show
