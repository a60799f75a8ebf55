"""The command on the machine, for root and for a person."""

import json

import pytest
from testinfra.host import Host

DEVELOPER = "dev"


@pytest.fixture(params=["root", DEVELOPER])
def user(request: pytest.FixtureRequest, host: Host) -> str:
    """Root, and a person where the machine is one that people log in to: the container image has none."""
    name: str = request.param
    if not host.user(name).exists and not host.exists("sudo"):
        pytest.skip("nobody logs in to this machine")
    return name


@pytest.mark.usefixtures("base_url")
def test_everybody_who_may_sees_the_same_projects(host: Host, user: str) -> None:
    listed = host.check_output("runuser --user %s -- cocosearch list --json", user)
    assert _names(listed) == _names(host.check_output("cocosearch list --json"))


def _names(listed: str) -> list[str]:
    return [project["name"] for project in json.loads(listed)]


@pytest.mark.usefixtures("base_url")
def test_doctor_finds_nothing(host: Host, user: str) -> None:
    result = host.run("runuser --user %s -- cocosearch doctor", user)
    assert result.rc == 0, result.stdout + result.stderr


@pytest.mark.usefixtures("base_url")
def test_health_command(host: Host) -> None:
    assert host.run("cocosearch health").rc == 0


def test_a_stranger_is_told_whom_to_ask(host: Host) -> None:
    result = host.run("setpriv --reuid=nobody --regid=nogroup --clear-groups cocosearch list")
    assert result.rc != 0
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
