"""Errors that are meant for a reader: each message says what failed, on what, and what to do next."""


class CocosearchError(Exception):
    """Base of all expected errors; the CLI prints it as one line, MCP passes it on as a tool error."""


class ConfigurationError(CocosearchError):
    """A setting or a project file is missing, malformed or contradictory."""


class ListenError(CocosearchError):
    """The address or port to listen on cannot be had now; it may be free, or known, a moment later."""


class DatabaseUnavailableError(CocosearchError):
    """The database cannot be reached or is not ready (role, extension, migrations)."""


class EmbeddingUnavailableError(CocosearchError):
    """The embedding server cannot be reached or does not have the model."""


class ProjectNotFoundError(CocosearchError):
    """No project of that name is indexed."""


class PathNotAllowedError(CocosearchError):
    """A path is outside the allowed roots, or does not exist (the two are not told apart)."""


class IndexingError(CocosearchError):
    """An indexing run was refused or did not complete."""
