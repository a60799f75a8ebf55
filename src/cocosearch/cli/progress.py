"""Progress on a terminal, on stderr; where stderr is no terminal, nothing of a run, and a line for each index that is made anew."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cocosearch.indexing.progress import Progress, ProgressCallback

if TYPE_CHECKING:
    from cocosearch.database.reindexing import OnStep, Step


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


@contextmanager
def reindex_progress(say: Callable[[str], None]) -> Iterator["OnStep"]:
    """What is being built, which phase it is in, and how much of that is done."""
    if not sys.stderr.isatty():
        said: list[str] = []

        def name(step: "Step") -> None:
            if step.index not in said:
                said.append(step.index)
                say(f"Making {step.index} anew ({step.number} of {step.of}).")

        yield name
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    with Bars(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(step: "Step") -> None:
            described = f"{step.index} ({step.number} of {step.of}): {step.phase}"
            bars.update(task, description=described, total=step.total or None, completed=step.done)

        yield show
