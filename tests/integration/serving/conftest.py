"""A small project and a migrated database for `cocosearch` processes."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.integration.serving.processes import COCOSEARCH, Place

FILES = {
    "billing/invoice.py": (
        '"""Invoices."""\n\n\ndef total_with_tax(lines: list[float], rate: float) -> float:\n'
        '    """Add the value added tax to the sum of an invoice."""\n    return sum(lines) * (1 + rate)\n'
    ),
    "net/retry.go": (
        "package net\n\n// Backoff waits longer after each failed attempt to connect.\n"
        "func Backoff(attempt int) int {\n\treturn 1 << attempt\n}\n"
    ),
}


@pytest.fixture
def place(tmp_path: Path, database_url: str, embedder_url: str) -> Place:
    """A small project and a migrated database."""
    project = tmp_path / "projects" / "shop"
    for name, text in FILES.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {
        **kept,
        "COCOSEARCH_DATABASE_URL": database_url,
        "COCOSEARCH_OLLAMA_URL": embedder_url,
        "COCOSEARCH_MODEL": "all-minilm",
        "COCOSEARCH_STATE_DIR": str(tmp_path / "state"),
        "COCOSEARCH_REFRESH_SECONDS": "0.2",
    }
    subprocess.run([*COCOSEARCH, "database", "migrate"], env=environment, check=True)
    return Place(project, environment)
