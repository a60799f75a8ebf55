"""A migrated database, a small real project, and a look at what is in the index."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h11
import pytest
from tests.integration import services

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.database.models import register_model
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.types import Model
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.settings import Settings


@dataclass(frozen=True)
class KnownVectors:
    """The embedding cache after one real run over the sources of h11, so that not every test waits for the model again."""

    model: Model
    rows: bytes


@pytest.fixture(scope="session")
def known_vectors(postgres_url: str, embedder_url: str, tmp_path_factory: pytest.TempPathFactory) -> KnownVectors:
    directory = tmp_path_factory.mktemp("known") / "h11"
    copy_h11(directory)
    with services.fresh_database(postgres_url) as url:
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=directory.parent / "state")
        with connect(settings) as connection, OllamaClient(settings) as client:
            migrate(connection)
            index_project(settings, load_project(directory))
            with connection.cursor() as cursor, cursor.copy("COPY embeddings TO STDOUT") as copy:
                return KnownVectors(client.describe_model(), b"".join(bytes(block) for block in copy))


@pytest.fixture
def known_chunks(known_vectors: KnownVectors) -> int:
    """Number of chunks of h11's sources."""
    return known_vectors.rows.count(b"\n")


@pytest.fixture
def cold_settings(database_url: str, embedder_url: str, tmp_path: Path) -> Settings:
    """Settings of a process with a migrated database, a model and a state directory of its own; nothing was embedded yet."""
    settings = Settings(database_url=database_url, ollama_url=embedder_url, model="all-minilm", state_dir=tmp_path / "state")
    with connect(settings) as connection:
        migrate(connection)
    return settings


@pytest.fixture
def settings(cold_settings: Settings, known_vectors: KnownVectors) -> Settings:
    """The same, with the vectors of h11's sources in the cache."""
    with connect(cold_settings) as connection:
        assert register_model(connection, known_vectors.model) == 1  # the id that the copied rows carry
        with connection.cursor() as cursor, cursor.copy("COPY embeddings FROM STDIN") as copy:
            copy.write(known_vectors.rows)
    return cold_settings


@pytest.fixture
def connection(cold_settings: Settings) -> Iterator[Connection]:
    with connect(cold_settings) as connection:
        yield connection


@pytest.fixture
def project_directory(tmp_path: Path) -> Path:
    """The sources of h11, a real library of a dozen files, as a directory without git."""
    directory = tmp_path / "h11"
    copy_h11(directory)
    return directory


def copy_h11(directory: Path) -> None:
    shutil.copytree(Path(h11.__file__).parent, directory, ignore=shutil.ignore_patterns("__pycache__"))


def content_digest(connection: Connection) -> str:
    """Changes with any row that a search can see; not with ids, or with the order in which rows were written."""
    rows = connection.execute(
        """
        SELECT p.name, c.path, c.ordinal, c.language, c.start_line, c.end_line, c.symbols, c.enclosing, c.text,
               c.terms, c.weights::text, c.embedded_digest, e.embedding::text
        FROM chunks c JOIN projects p ON p.id = c.project_id
        LEFT JOIN embeddings e ON e.model_id = p.model_id AND e.text_digest = c.embedded_digest
        ORDER BY p.name, c.path, c.ordinal
        """
    )
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode())
    return digest.hexdigest()


def paths(connection: Connection) -> set[str]:
    """Paths that have chunks."""
    return {row[0] for row in connection.execute("SELECT DISTINCT path FROM chunks")}
