"""The project that is searched meanwhile, and when the appliance is ready for it."""

import httpx
from tests.appliance.client import Assistant
from tests.appliance.facts import CREDENTIAL, PORT, PROJECTS, wait_until
from tests.soak.machine import Machine
from tests.soak.verdict import settle

PROJECT = "soak"
DIRECTORY = f"{PROJECTS}/{PROJECT}"
PACKAGES = "json logging http wsgiref"
READY_SECONDS = 300.0


def assistant_of(machine: Machine) -> Assistant:
    """An assistant with the machine's own token."""
    return Assistant(f"http://{machine.address(PORT)}/mcp", machine.run("cat", CREDENTIAL).strip())


def prepare(machine: Machine, assistant: Assistant) -> None:
    """Lay out the project and index it; returns when all of it has vectors."""
    machine.shell(
        f"mkdir -p {DIRECTORY}; cd /usr/lib/python3.13; cp -r {PACKAGES} {DIRECTORY}; find {DIRECTORY} -name __pycache__ | xargs rm -rf"
    )
    wait_for_health(machine)
    machine.run("cocosearch", "index", DIRECTORY)
    settle(assistant, PROJECT)


def wait_for_health(machine: Machine) -> None:
    """Return when the appliance says of itself that all of it works."""

    def healthy() -> bool:
        try:
            return httpx.get(f"http://{machine.address(PORT)}/health", timeout=10).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    wait_until(healthy, READY_SECONDS, "the appliance to be healthy")
