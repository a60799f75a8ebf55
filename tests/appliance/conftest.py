"""The appliance under test: any machine that testinfra reaches (`--hosts=podman://NAME`, `docker://NAME`, `local://`)."""

import os
import subprocess

import httpx
import pytest
from testinfra.host import Host
from tests.appliance.client import Assistant
from tests.appliance.facts import CREDENTIAL, PORT, wait_until

READY_SECONDS = 180.0  # includes crash recovery, and a model that has to be warmed on a busy machine


def _published_address(host: Host) -> str:
    """Where the appliance's port can be reached from here."""
    engine = host.backend.get_connection_type()
    if engine in {"podman", "docker"}:
        answer = subprocess.run([engine, "port", host.backend.name, f"{PORT}/tcp"], check=True, capture_output=True, text=True)
        return answer.stdout.split()[0]
    return f"127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def base_url(host: Host) -> str:
    """URL of the appliance as a client on this machine reaches it; returns once everything in it works.

    `APPLIANCE_URL` names another one.
    """
    url = os.environ.get("APPLIANCE_URL") or f"http://{_published_address(host)}"
    wait_until(lambda: _healthy(url), READY_SECONDS, f"{url}/health to answer 200")
    return url


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def token(host: Host) -> str:
    """The bearer token that the appliance made for itself."""
    return str(host.file(CREDENTIAL).content_string).strip()


@pytest.fixture(scope="module")
def assistant(base_url: str, token: str) -> Assistant:
    """A real MCP client, as an assistant on this machine has one."""
    return Assistant(f"{base_url}/mcp", token)
