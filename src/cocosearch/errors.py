"""Errors that are meant for a reader: each message says what failed, on what, and what to do next.

Programs decide by the class, or by a field of it, never by the message.
"""

from enum import StrEnum


class CocosearchError(Exception):
    """Base of all expected errors; the CLI prints it as one line, MCP passes it on as a tool error."""


class ConfigurationError(CocosearchError):
    """A setting or a project file is missing, malformed or contradictory."""


class ListenError(CocosearchError):
    """The address or port to listen on cannot be had now; it may be free, or known, a moment later."""


class DatabaseUnavailableError(CocosearchError):
    """The database cannot be reached or is not ready (role, extension, migrations), or it ended the connection."""


class ExtensionMissingError(DatabaseUnavailableError):
    """The database has no pgvector."""


class DatabaseStartingError(DatabaseUnavailableError):
    """The database is starting up, recovering or shutting down: it says so itself, and to wait is all that can be done."""


class HeldUpError(CocosearchError):
    """Nothing is broken and nothing lost: what was asked for has to wait, and goes on when it is tried again later."""


class DatabaseBusyError(HeldUpError):
    """The database is there, and had no connection or no time to spare."""


class NoRoomError(HeldUpError):
    """A disk is full, or nearly: the one below the index or below the indexing engine's state."""


class DatabaseFullError(NoRoomError):
    """The database itself said that it has no room, or takes no writes."""


class NoVectors(StrEnum):
    """Why the embedding server gives none."""

    SERVER_AWAY = "embedding_server_away"  # it cannot be reached, or does not answer in time
    SERVER_FAILED = "embedding_server_failed"  # it answers that it failed
    MODEL_MISSING = "model_missing"


class EmbeddingUnavailableError(CocosearchError):
    """The embedding server gives no vectors now."""

    def __init__(self, message: str, why: NoVectors) -> None:
        super().__init__(message)
        self.why = why


class NoSuchModelError(ConfigurationError, EmbeddingUnavailableError):
    """The embedding server says of the model that is set that it cannot be had: asking again does not help."""

    def __init__(self, message: str) -> None:
        super().__init__(message, NoVectors.MODEL_MISSING)


class ProjectNotFoundError(CocosearchError):
    """No project of that name is indexed."""


class PathNotAllowedError(CocosearchError):
    """A path is outside the allowed roots, or does not exist (the two are not told apart)."""


class IndexingError(CocosearchError):
    """An indexing run was refused or did not complete."""


class ProjectBusyError(IndexingError):
    """Another process writes this project now, and was not to be waited for."""
