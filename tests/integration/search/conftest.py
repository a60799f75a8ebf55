"""An index of h11, and what searches it; the fixtures of indexing serve here too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.indexing.conftest import cold_settings, connection, known_vectors, project_directory, settings

from cocosearch.database import open_pool
from cocosearch.database.connection import Pool
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings

__all__ = ["cold_settings", "connection", "known_vectors", "project_directory", "settings"]


@pytest.fixture
def indexed(settings: Settings, project_directory: Path) -> Settings:
    index_project(settings, load_project(project_directory))
    return settings


@pytest.fixture
def pool(indexed: Settings) -> Iterator[Pool]:
    with open_pool(indexed) as pool:
        yield pool


@pytest.fixture
def client(indexed: Settings) -> Iterator[OllamaClient]:
    with OllamaClient(indexed) as client:
        yield client


@pytest.fixture
def away(indexed: Settings) -> Iterator[OllamaClient]:
    """A client of an embedding server that is not there."""
    with OllamaClient(indexed.model_copy(update={"ollama_url": "http://127.0.0.1:9"})) as client:
        yield client
