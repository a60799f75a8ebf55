"""What taking this program, or these settings, into use means for what is indexed: said before it happens."""

from collections import defaultdict
from dataclasses import dataclass

from cocosearch.database.connection import Connection
from cocosearch.database.migrations import applied
from cocosearch.database.models import ModelKey, why_embedded_anew
from cocosearch.database.projects import why_rows_anew

# Migration 2 deletes all vectors; migration 10 adds the column rows_version.
_DELETES_VECTORS, _HAS_ROWS_VERSION = 2, 10


@dataclass(slots=True)
class _Affected:
    projects: int = 0
    chunks: int = 0


def plan(connection: Connection, model: ModelKey, rows_version: int) -> list[str]:
    """A sentence for each reason why indexed code will be embedded anew; none where all vectors stay, or nothing is indexed.

    Args:
        connection: to a database of this program's release or of an older one; nothing is changed in it.
        model: that this program will use; without a digest where its server does not say it now.
        rows_version: of the rows that this program makes.
    """
    done = applied(connection)
    if not done:
        return []
    affected: dict[str, _Affected] = defaultdict(_Affected)
    known = "p.rows_version" if _HAS_ROWS_VERSION in done else "NULL"
    rows = connection.execute(
        f"""
        SELECT p.chunks, {known}, m.name, m.digest, m.prompt_version
        FROM projects p JOIN models m ON m.id = p.model_id WHERE p.chunks > 0
        """  # noqa: S608 - one of two constants
        if _DELETES_VECTORS in done
        else "SELECT p.chunks, NULL, '', '', 0 FROM projects p WHERE p.chunks > 0"
    )
    for chunks, version, *key in rows:
        reason = (
            (why_embedded_anew(ModelKey(*key), model) or why_rows_anew(version, rows_version))
            if _DELETES_VECTORS in done
            else "this release keeps vectors in another form"
        )
        if reason:
            affected[reason].projects += 1
            affected[reason].chunks += chunks
    return [_sentence(found, reason) for reason, found in sorted(affected.items())]


def _sentence(found: _Affected, reason: str) -> str:
    projects = f"{found.projects} {'project' if found.projects == 1 else 'projects'}"
    return (
        f"{found.chunks} chunks of {projects} are embedded anew, because {reason}. "
        "Meanwhile words find all of it, and `cocosearch status` tells how far it is."
    )
