"""Repositories that mean harm: nothing in them runs, nothing outside them is read, and nobody else notices them."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from testinfra.host import Host
from tests.appliance.client import Assistant
from tests.appliance.facts import PROJECTS, wait_until
from tests.appliance.hostile import CANARY, KINDS, plant

SETTLED_SECONDS = 180.0
FOLLOW_SECONDS = 60.0


SERVICES = ("cocosearch.service", "cocosearch-indexer.service")


@pytest.fixture(scope="module")
def processes(host: Host, base_url: str) -> list[str]:
    """The services' processes before anything hostile is there."""
    assert base_url
    return _processes(host)


def _processes(host: Host) -> list[str]:
    return [host.check_output("systemctl show --property=MainPID --value %s", unit) for unit in SERVICES]


@pytest.fixture(scope="module")
def hostile(
    host: Host, assistant: Assistant, processes: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """Each kind's project, once the indexer has an opinion of it: its status by its kind."""
    assert "0" not in processes
    host.check_output("rm --force %s", CANARY)
    for kind in KINDS:
        here: Path = tmp_path_factory.mktemp(kind)
        plant(host, kind, here, f"{PROJECTS}/hostile-{kind}")
        assistant.call("index_project", path=f"{PROJECTS}/hostile-{kind}")

    def settled() -> bool:
        return all(_status(assistant, kind)["state"] in {"ready", "failed"} for kind in KINDS)

    wait_until(settled, SETTLED_SECONDS, "every hostile project to be ready or failed")
    yield {kind: _status(assistant, kind) for kind in KINDS}
    for kind in KINDS:
        host.check_output("cocosearch clear %s --yes", f"hostile-{kind}")
        host.check_output("rm --recursive --force %s", f"{PROJECTS}/hostile-{kind}")


def _status(assistant: Assistant, kind: str) -> dict[str, Any]:
    return assistant.call("index_status", project=f"hostile-{kind}")


def test_nothing_in_a_repository_runs(host: Host, hostile: dict[str, dict[str, Any]]) -> None:
    assert len(hostile) == len(KINDS)
    assert not host.file(CANARY).exists


@pytest.mark.parametrize("kind", KINDS)
def test_the_honest_file_beside_the_harm_is_found_or_the_reason_is_told(
    assistant: Assistant, hostile: dict[str, dict[str, Any]], kind: str
) -> None:
    status = hostile[kind]
    if status["state"] == "failed":
        assert len(status["last_error"]) > len(kind)
        return
    assert "ok.py" in assistant.paths(f"innocent_neighbour_of_{kind.replace('-', '_')}", project=f"hostile-{kind}", limit=3)


@pytest.mark.usefixtures("hostile")
def test_no_link_leads_out(assistant: Assistant) -> None:
    for query in ("root:x:0:0", "/usr/sbin/nologin"):
        hits = assistant.search(query, project="hostile-links")
        assert all(hit["path"] == "ok.py" for hit in hits)


@pytest.mark.usefixtures("hostile")
def test_another_project_stays_fresh_and_the_service_healthy(host: Host, assistant: Assistant, base_url: str) -> None:
    name = f"neighbour_{os.urandom(4).hex()}"
    directory = f"{PROJECTS}/neighbour"
    host.check_output("mkdir --parents %s && echo 'first = 1' > %s/first.py", directory, directory)
    assistant.call("index_project", path=directory)
    try:
        host.check_output("printf 'def %%s():\\n    return 2\\n' %s > %s/second.py", name, directory)
        wait_until(
            lambda: "second.py" in assistant.paths(name, project="neighbour", limit=3), FOLLOW_SECONDS, "a change beside hostile projects"
        )
        assert httpx.get(f"{base_url}/health").status_code == 200
    finally:
        host.check_output("cocosearch clear neighbour --yes; rm --recursive --force %s", directory)


@pytest.mark.usefixtures("hostile")
def test_no_service_had_to_be_started_again(host: Host, processes: list[str]) -> None:
    assert _processes(host) == processes
