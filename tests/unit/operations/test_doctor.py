import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.embedding.ollama_server import Script, ollama
from tests.unit.serving.fakes import STATUS

from cocosearch.access.tokens import create_token_file
from cocosearch.database.projects import ProjectState
from cocosearch.operations import doctor
from cocosearch.operations.doctor_database import extension_finding, project_finding
from cocosearch.operations.findings import Finding, Level, as_json, as_text, healthy
from cocosearch.process import units
from cocosearch.settings import Settings


def settings(tmp_path: Path, **given: object) -> Settings:
    """Settings whose services are all dead."""
    dead = {"database_url": "postgresql://user:hunter2@127.0.0.1:1/none", "ollama_url": "http://127.0.0.1:1"}
    return Settings.model_validate({**dead, "state_dir": tmp_path / "state", **given})


@pytest.fixture(autouse=True)
def _own_units(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A machine on which the playbook has installed everything."""
    directory = tmp_path_factory.mktemp("units")
    for name in ("cocosearch-postgresql", "cocosearch-database", "cocosearch-indexer", "cocosearch", "ollama"):
        (directory / f"{name}.service").touch()
    monkeypatch.setattr(units, "DIRECTORIES", (directory,))


def found(part: str, findings: tuple[Finding, ...]) -> Finding:
    (finding,) = [finding for finding in findings if finding.part == part]
    return finding


def test_every_part_is_looked_at_though_others_are_dead(tmp_path: Path) -> None:
    findings = doctor.examine(settings(tmp_path, allowed_roots=(tmp_path, tmp_path / "gone")))
    assert [(finding.part, finding.level) for finding in findings if finding.part != "disk"] == [
        ("listening", Level.OK),
        ("state directory", Level.OK),
        ("allowed root", Level.OK),
        ("allowed root", Level.WARNING),
        ("database", Level.PROBLEM),
        ("ollama", Level.PROBLEM),
    ]
    assert not healthy(findings)
    assert all(finding.remedy for finding in findings if finding.level is not Level.OK)
    text = as_text(findings)
    assert "hunter2" not in text
    assert "systemctl status cocosearch-postgresql" in text
    assert json.loads(as_json(findings))["healthy"] is False


def test_a_model_of_an_unknown_family_is_told_of(tmp_path: Path) -> None:
    with ollama(Script(models=["some-new-model:latest"])) as url:
        unknown = found("prompts", doctor.examine(settings(tmp_path, ollama_url=url, model="some-new-model")))
        assert (unknown.level, "'some-new-model'" in unknown.found) == (Level.WARNING, True)
        said = doctor.examine(settings(tmp_path, ollama_url=url, model="some-new-model", query_prompt="", document_prompt=""))
        assert "prompts" not in {finding.part for finding in said}


def test_an_open_server_without_a_token_is_a_problem(tmp_path: Path) -> None:
    finding = found("listening", doctor.examine(settings(tmp_path, host="0.0.0.0")))  # noqa: S104
    assert finding.level is Level.PROBLEM
    assert "COCOSEARCH_TOKEN_FILE" in finding.remedy


def test_token_files(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_token_file(path)
    assert found("token file", doctor.examine(settings(tmp_path, token_file=path))).level is Level.OK
    path.chmod(0o644)
    finding = found("token file", doctor.examine(settings(tmp_path, token_file=path)))
    assert finding.level is Level.PROBLEM
    assert "chmod 600" in finding.found


@pytest.mark.parametrize(("mode", "level"), [(0o700, Level.OK), (0o755, Level.WARNING)])
def test_the_state_directory_is_closed_to_others(tmp_path: Path, mode: int, level: Level) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)
    assert found("state directory", doctor.examine(settings(tmp_path))).level is level


def test_a_state_directory_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert found("state directory", doctor.examine(settings(tmp_path))).level is Level.PROBLEM
    assert found("state directory", doctor.examine(settings(tmp_path, state_dir=tmp_path / "state" / "below"))).level is Level.PROBLEM


@pytest.mark.parametrize(
    ("changes", "level", "says"),
    [
        ({}, Level.OK, "ready; 1 files, 2 chunks"),
        ({"chunks_embedded": 1}, Level.OK, "1 of them found by words alone"),
        ({"state": ProjectState.FAILED, "last_error": "The disk is full."}, Level.PROBLEM, "The last run failed: The disk is full."),
        ({"checked_at": datetime.now(UTC) - timedelta(hours=1)}, Level.WARNING, "nobody has looked at its files since"),
        ({"checked_at": datetime.now(UTC) - timedelta(hours=1), "state": ProjectState.INDEXING}, Level.OK, "indexing"),
        ({"state": ProjectState.WAITING, "held_up": "The disk is full."}, Level.WARNING, "waiting: The disk is full."),
        ({"root": "/nowhere"}, Level.WARNING, "/nowhere is not there"),
        ({"notes": ["Ignore rules are missing: x."]}, Level.WARNING, "Ignore rules are missing: x."),
        ({"refused": ["bad.py:1"]}, Level.WARNING, "bad.py:1"),
    ],
)
def test_projects(tmp_path: Path, changes: dict[str, Any], level: Level, says: str) -> None:
    finding = project_finding(replace(STATUS, **{"root": str(tmp_path), "checked_at": datetime.now(UTC), **changes}))
    assert finding.level is level
    assert says in finding.found
    assert bool(finding.remedy) is (level is not Level.OK)


EXAMINE_AS_NOBODY = """
import os, sys
from cocosearch.operations import doctor, findings
from cocosearch.settings import load_settings
settings = load_settings()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
checks = (doctor.state_directory_findings, doctor.disk_findings, doctor.root_findings)
sys.stdout.write(findings.as_json(finding for check in checks for finding in check(settings)))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_directories_of_somebody_else_are_findings_and_no_crash(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    places = {"COCOSEARCH_STATE_DIR": str(hidden / "state"), "COCOSEARCH_ALLOWED_ROOTS": str(hidden / "root")}
    ran = subprocess.run(
        [sys.executable, "-c", EXAMINE_AS_NOBODY], env={"HOME": "/", **places}, stdout=subprocess.PIPE, text=True, check=True
    )
    findings = {finding["part"]: finding["level"] for finding in json.loads(ran.stdout)["findings"]}
    assert findings["state directory"] == "problem"
    assert findings["allowed root"] == "warning"


@pytest.mark.parametrize(("low", "level"), [(0, Level.OK), (2**62, Level.PROBLEM)])
def test_too_little_space_is_a_problem(tmp_path: Path, low: int, level: Level) -> None:
    finding = found("disk", doctor.examine(settings(tmp_path, low_space_bytes=low)))
    assert finding.level is level
    assert ("LOW_SPACE" in finding.remedy or "nothing is indexed" in finding.remedy) is (level is not Level.OK)


@pytest.mark.parametrize(
    ("version", "installed", "level", "found", "remedy"),
    [
        (None, None, Level.PROBLEM, "lacks pgvector", "CREATE EXTENSION vector"),
        ((0, 7, 4), (0, 7, 4), Level.PROBLEM, "pgvector 0.7.4", "0.8 is needed"),
        ((0, 8, 0), (0, 8, 0), Level.WARNING, "in parallel", "postgresql_source: pgdg"),
        ((0, 8, 0), (0, 8, 4), Level.WARNING, "in parallel", "`systemctl restart cocosearch-database`"),
        ((0, 8, 3), (0, 8, 3), Level.WARNING, "known: a vacuum can fail.", "sudo cocosearch reindex"),
        ((0, 8, 4), (0, 8, 4), Level.OK, "pgvector 0.8.4", ""),
        ((0, 9, 0), (0, 9, 0), Level.OK, "pgvector 0.9.0", ""),
    ],
)
def test_pgvector_with_faults_is_named_with_the_way_out(
    version: tuple[int, ...] | None, installed: tuple[int, ...] | None, level: Level, found: str, remedy: str
) -> None:
    finding = extension_finding(version, installed)
    assert finding.level is level
    assert found in finding.found
    assert remedy in finding.remedy
    assert bool(finding.remedy) is bool(remedy)
