"""A database, and a model that the test commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.embedding.ollama_server import Script, SerialModel, ollama

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.settings import Settings


@pytest.fixture
def model() -> SerialModel:
    return SerialModel()


@pytest.fixture
def script(model: SerialModel) -> Script:
    return Script(embed=model)


@pytest.fixture
def settings(database_url: str, script: Script, tmp_path: Path) -> Iterator[Settings]:
    """Settings with a model that the test commands."""
    with ollama(script) as url:
        settings = Settings(database_url=database_url, ollama_url=url, state_dir=tmp_path / "state")
        with connect(settings) as connection:
            migrate(connection)
        yield settings


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with connect(settings) as connection:
        yield connection
