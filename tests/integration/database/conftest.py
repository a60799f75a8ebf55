"""A PostgreSQL of these tests' own, which they stop, fill and exhaust, and databases on it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.integration import services

from cocosearch.database import connect
from cocosearch.database.migrations import migrate
from cocosearch.settings import Settings

SMALL_DISK = "96m"


@pytest.fixture(scope="package")
def own_postgres() -> Iterator[str]:
    """Superuser URL of the server; it has a tablespace `small` on a disk of 96 MB."""
    with services.postgres(small=SMALL_DISK) as url:
        with psycopg.connect(url, autocommit=True) as superuser:
            superuser.execute("COPY (SELECT) TO PROGRAM 'mkdir --mode=700 /small/tablespace'")
            superuser.execute("CREATE TABLESPACE small LOCATION '/small/tablespace'")
        yield url


@pytest.fixture
def superuser(own_postgres: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(own_postgres, autocommit=True) as connection:
        yield connection


def settings_for(url: str, embedder_url: str, directory: Path) -> Settings:
    """Settings of a process with a migrated database."""
    settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=directory / "state")
    with connect(settings) as connection:
        migrate(connection)
    return settings


@pytest.fixture
def settings(own_postgres: str, embedder_url: str, tmp_path: Path) -> Iterator[Settings]:
    with services.fresh_database(own_postgres) as url:
        yield settings_for(url, embedder_url, tmp_path)


@pytest.fixture
def on_a_small_disk(own_postgres: str, embedder_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a process whose database is on the small disk."""
    with services.fresh_database(own_postgres, tablespace="small") as url:
        yield settings_for(url, embedder_url, tmp_path)


@pytest.fixture
def project_directory(tmp_path: Path) -> Path:
    """A project of three short files."""
    directory = tmp_path / "shop"
    directory.mkdir()
    for name in ("invoice", "retry", "stock"):
        (directory / f"{name}.py").write_text(f'"""All about {name}."""\n\n\ndef {name}_total(lines):\n    return sum(lines)\n')
    return directory
