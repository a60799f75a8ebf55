"""Forget a project: its rows and the engine's state."""

from collections.abc import Callable

from cocosearch.database import connect
from cocosearch.database.embeddings import forget_refusals
from cocosearch.database.locks import project_lock
from cocosearch.database.projects import delete_project
from cocosearch.database.status import project_status
from cocosearch.indexing.engine.state import project_state
from cocosearch.settings import Settings


def clear_project(settings: Settings, name: str, on_wait: Callable[[], None]) -> int:
    """Delete a project from the index, never its files; waits while it is being indexed. Returns the number of chunks deleted.

    Cached embeddings stay, so that indexing it again is quick; that the model refused a text is forgotten.

    Raises:
        ProjectNotFoundError: nothing of that name is indexed.
    """
    with connect(settings) as connection:
        chunks = project_status(connection, name).chunks
        row = connection.execute("SELECT id FROM projects WHERE name = %s", [name]).fetchone()
    if row is None:  # cleared by someone else in this moment: what was asked for holds
        return 0
    with project_lock(settings, row[0], on_wait) as session:
        forget_refusals(session, row[0])
        delete_project(session, row[0])
        project_state(settings, name).remove()
    return chunks
