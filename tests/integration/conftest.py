"""Fixtures of the integration tests: a real PostgreSQL with pgvector and the real embedded embedding server."""

import os
from collections.abc import Iterator

import pytest
from tests.integration import services


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Superuser URL of a PostgreSQL with pgvector; `TEST_POSTGRES_URL` names one that already runs."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        yield given
        return
    with services.postgres() as url:
        yield url


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    """URL of an empty database of this test's own, with the extension `vector`; its user is no superuser."""
    with services.fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def embedder_url() -> Iterator[str]:
    """URL of a running embedded embedding server."""
    with services.embedder() as url:
        yield url
