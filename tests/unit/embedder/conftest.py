"""Fixtures: one server and one cache of graphs for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.embedder.running import Running, run_server


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: graphs of both precisions are built once."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(scope="session")
def server(cache: Path) -> Iterator[Running]:
    """The server with its default settings."""
    with run_server(cache) as running:
        yield running
