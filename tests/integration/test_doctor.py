"""Doctor and health speak of the same parts by the same names."""

from pathlib import Path

from cocosearch.database import connect
from cocosearch.database.migrations import migrate
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.operations.doctor import examine
from cocosearch.operations.findings import healthy
from cocosearch.operations.health import check
from cocosearch.settings import Settings


def test_doctor_tells_of_every_part_that_health_has(database_url: str, embedder_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, ollama_url=embedder_url, model="all-minilm", state_dir=tmp_path)
    with connect(settings) as connection, OllamaClient(settings) as client:
        migrate(connection)
        parts = {part.name for part in check(settings, client).parts}
    findings = examine(settings)
    assert parts == {"database", "extension", "indexer", "ollama", "model", "disk"}
    assert parts <= {finding.part for finding in findings}
    assert healthy(findings)
