"""The official MCP conformance suite against our server; scripts/test-conformance installs the suite and runs this."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.unit.serving.fakes import serving

HERE = Path(__file__).parent


@pytest.mark.parametrize("revision", ["2025-11-25", "2026-07-28"])
def test_nothing_fails_but_what_the_baseline_names(revision: str, tmp_path: Path) -> None:
    suite = Path(os.environ["CONFORMANCE_SUITE"])
    with serving() as client:  # without a token: the suite cannot send one
        command = [
            *(str(suite / "node"), str(suite / "conformance"), "server", "--url", f"{client.base_url}/mcp", "--requirements", revision),
            *("--expected-failures", str(HERE / f"{revision}.yml"), "--output-dir", str(tmp_path)),
        ]
        ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "Baseline check passed" in ran.stdout, ran.stdout
    assert "tools-list: " in ran.stdout, ran.stdout
