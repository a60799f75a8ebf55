"""The fixtures of indexing serve here too."""

from tests.integration.indexing.conftest import cold_settings, connection, known_vectors, project_directory, settings

__all__ = ["cold_settings", "connection", "known_vectors", "project_directory", "settings"]
