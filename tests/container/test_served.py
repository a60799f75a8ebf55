"""One container for each engine, with the documented flags, an empty volume, a mounted project and settings: what it does for its users.

The tests stand in the order of a container's life: the last ones kill, stop, restart and replace it.
"""

import json
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.appliance.facts import CREDENTIAL, wait_until
from tests.container.engines import DATA, IMAGE, Container, Containers, Engine

PORT = 9191
DAEMONS = ("cocosearch-postgresql.service", "ollama.service", "cocosearch.service", "cocosearch-indexer.service")
ODD_HOST = 'it\'s-a-"quoted"-$HOST\\x'
STOP_SECONDS = 10.0


@dataclass
class Served:
    """The container under test; its volume and project outlive it."""

    container: Container
    volume: str
    project: Path


@pytest.fixture(scope="module")
def served(containers: Containers, lasting_project: Path) -> Served:
    volume = containers.volume()
    container = containers.start(*_options(volume, lasting_project))
    container.wait_until_healthy().wait_until_indexed("ledger")
    return Served(container, volume, lasting_project)


def _options(volume: str, project: Path) -> list[str]:
    settings = {
        "COCOSEARCH_PORT": str(PORT),
        "COCOSEARCH_TRANSPORT": "sse",
        "COCOSEARCH_LOG_LEVEL": "debug",
        "COCOSEARCH_ALLOWED_HOSTS": ODD_HOST,
        "COCOSEARCH_MAX_SEARCHES": "7",
    }
    given = [f"--env={name}={value}" for name, value in settings.items()]
    return [*given, f"--volume={volume}:{DATA}", f"--volume={project}:/project:ro", f"--publish=127.0.0.1::{PORT}"]


@pytest.fixture
def container(served: Served) -> Container:
    return served.container


def test_systemd_runs_with_nothing_failed(container: Container) -> None:
    wait_until(lambda: container.try_exec("systemctl", "is-system-running").stdout.strip() != "starting", 60, "systemd's jobs to end")
    assert container.exec("systemctl", "list-units", "--failed", "--no-legend", "--plain") == ""
    assert container.exec("systemctl", "is-system-running").strip() == "running"


def test_an_assistant_searches_the_mounted_project(container: Container) -> None:
    """Over HTTP, with the token; every file belongs to a user that the container does not know, and is closed to others."""
    hits = container.assistant(PORT).search("sort the entries of the ledger", project="ledger")
    assert hits[0]["path"] == "src/ledger.py"


def test_the_projects_configuration_and_git_decide_what_is_indexed(container: Container) -> None:
    """git lists the files, although they are not the service's: what only git ignores is not there."""
    assert container.paths("left_out_by_git", "--project", "ledger") != ["ignored.py"]
    found = {path for query in ("left_out_by_git", "left_out_by_configuration", "reconcile_ledger") for path in container.paths(query)}
    assert "src/ledger.py" in found
    assert found.isdisjoint({"ignored.py", "vendor/copied.py"})


def test_the_index_follows_the_mounted_files(served: Served) -> None:
    new = served.project / "src" / "auditor.py"
    new.write_text("def audit_the_quartermaster(stock):\n    return stock\n")
    new.chmod(0o600)
    try:
        wait_until(lambda: "src/auditor.py" in served.container.paths("audit_the_quartermaster"), 60, "a new file to be found")
    finally:
        new.unlink()


def test_settings_given_to_the_container_win(container: Container) -> None:
    shown = {value["name"]: value["value"] for value in json.loads(container.exec("cocosearch", "config", "show", "--json"))}
    assert (shown["port"], shown["log_level"], shown["max_searches"], shown["allowed_hosts"]) == (str(PORT), "debug", "7", ODD_HOST)
    assert shown["allowed_roots"] == "/project"  # the role's, where nothing was given
    process = container.exec("systemctl", "show", "--property=MainPID", "--value", "cocosearch.service").strip()
    # Without its capabilities root may not look into another user's process.
    environment = container.exec(
        "setpriv", "--reuid=cocosearch", "--regid=cocosearch", "--clear-groups", "cat", f"/proc/{process}/environ"
    ).split("\0")
    assert f"COCOSEARCH_ALLOWED_HOSTS={ODD_HOST}" in environment
    assert "COCOSEARCH_TRANSPORT=sse" in environment


def test_health_is_asked_at_the_port_that_was_given(container: Container) -> None:
    checked = container.health()
    assert checked.returncode == 0
    assert checked.stdout.startswith("ok\n")
    assert container.answers(PORT)


def test_only_the_documented_port_is_open(container: Container) -> None:
    """PostgreSQL has none, Ollama's is for the container alone; addresses as the kernel lists them, hexadecimal."""
    table = container.exec("cat", "/proc/net/tcp", "/proc/net/tcp6").splitlines()
    listening = {fields[1] for line in table if (fields := line.split())[3] == "0A"}
    assert listening == {f"00000000:{PORT:04X}", "0100007F:2CAA"}
    assert container.engine.inspect_image()["Config"]["ExposedPorts"] == {"8080/tcp": {}}


def test_the_services_have_users_of_their_own_and_no_rights(container: Container) -> None:
    for unit in DAEMONS:
        assert container.exec("systemctl", "show", "--property=User", "--value", unit).strip() not in {"", "root"}
    process = container.exec("systemctl", "show", "--property=MainPID", "--value", "cocosearch.service").strip()
    status = container.exec("cat", f"/proc/{process}/status")
    assert "CapEff:\t0000000000000000" in status


def test_the_logs_hold_what_the_services_say(container: Container) -> None:
    logs = container.logs()
    assert "database system is ready to accept connections" in logs
    assert "Serving all-MiniLM-L6-v2" in logs
    assert f"serving MCP on 0.0.0.0 port {PORT}" in logs
    assert "ledger: /project is" in logs
    assert container.exec("cat", CREDENTIAL).strip() not in logs


def _message(method: str, number: int | None = None, **parameters: Any) -> str:  # noqa: ANN401 - what JSON holds
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": parameters}
    return json.dumps(message if number is None else message | {"id": number}) + "\n"


def test_exec_speaks_stdio_and_nothing_else(container: Container) -> None:
    """Although the service's transport is another one: JSON on stdout alone, as the service's user, for as long as the client stays."""
    client = {"name": "test", "version": "1"}
    command = [*container.engine.client, "exec", "--interactive", container.name, "cocosearch", "mcp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(_message("initialize", 1, protocolVersion="2025-06-18", capabilities={}, clientInfo=client))
        session.stdin.write(_message("notifications/initialized"))
        session.stdin.write(_message("tools/call", 2, name="search_code", arguments={"query": "reconcile_ledger"}))
        session.stdin.flush()
        answers = [json.loads(session.stdout.readline()) for _ in range(2)]
        running = _stdio_servers(container)
        session.stdin.close()
        rest = session.stdout.read()
        assert session.wait(30) == 0
    assert [answer["id"] for answer in answers] == [1, 2]
    assert "src/ledger.py" in json.dumps(answers[1])
    assert rest == ""
    assert set(running.values()) == {container.exec("id", "--user", "cocosearch").strip()}
    wait_until(lambda: not _stdio_servers(container), 20, "the server to end with its client")


def _stdio_servers(container: Container) -> dict[str, str]:
    """Process and user of each `cocosearch mcp` that no unit started."""
    service = container.exec("systemctl", "show", "--property=MainPID", "--value", "cocosearch.service").strip()
    script = (
        'for process in /proc/[0-9]*; do command=$(tr "\\0" " " <$process/cmdline) || continue; '
        'case $command in */bin/cocosearch" mcp "*) echo "${process#/proc/} $(stat --format=%u $process)";; esac; done'
    )
    found = dict(line.split() for line in container.exec("sh", "-c", script).splitlines())
    found.pop(service, None)
    return found


@pytest.mark.parametrize("unit", DAEMONS)
def test_a_killed_service_is_back_without_a_person(container: Container, unit: str) -> None:
    before = container.exec("systemctl", "show", "--property=MainPID", "--value", unit).strip()
    container.exec("kill", "-KILL", before)

    def replaced() -> bool:
        now = container.exec("systemctl", "show", "--property=MainPID", "--value", unit).strip()
        return now not in {"0", before} and container.health().returncode == 0

    wait_until(replaced, 90, f"the successor of {unit}")
    assert container.paths("reconcile_ledger")[0] == "src/ledger.py"


def test_stop_is_quick_and_clean(served: Served, containers: Containers) -> None:
    container = served.container
    token = container.exec("cat", CREDENTIAL)
    assert container.stop() < STOP_SECONDS
    assert container.state()["ExitCode"] == 0
    containers.engine.run("start", container.name)
    container.wait_until_healthy()
    # Nothing was made anew, nothing had to be repaired, and the index is there before anything is indexed.
    assert container.exec("cat", CREDENTIAL) == token
    assert container.paths("reconcile_ledger")[0] == "src/ledger.py"
    journal = container.exec("journalctl", "--boot", "--no-pager", "--output=cat")
    assert "database system was shut down at" in journal
    assert "database system was interrupted" not in journal
    assert "initdb" not in journal
    assert "Success. You can now start the database server" not in journal


def test_an_upgrade_keeps_the_index(served: Served, containers: Containers, engine: Engine) -> None:
    """Another image, whose services' users even have other numbers, on the volume of the first; the project is not mounted any more."""
    container = served.container
    token = container.exec("cat", CREDENTIAL)
    files = json.loads(container.exec("cocosearch", "status", "ledger", "--json"))["chunks"]
    container.stop()
    image = "localhost/cocosearch-aio:upgrade-test"
    changes = "FROM {}\nRUN usermod --uid 1501 postgres && usermod --uid 1502 ollama && usermod --uid 1503 cocosearch && touch /etc/newer\n"
    # The health check is not in OCI's format.
    options = ["--format=docker"] if engine.name == "podman" else []
    engine.run("build", *options, "--tag", image, "-", given=changes.format(IMAGE))
    upgraded = containers.start(f"--volume={served.volume}:{DATA}", "--publish=127.0.0.1::8080", image=image).wait_until_healthy()
    assert upgraded.exec("cat", CREDENTIAL) == token
    assert upgraded.paths("reconcile_ledger")[0] == "src/ledger.py"
    assert json.loads(upgraded.exec("cocosearch", "status", "ledger", "--json"))["chunks"] == files
    assert upgraded.exec("stat", "--format=%U", f"{DATA}/postgresql/17/PG_VERSION").strip() == "postgres"
    assert "Success. You can now start the database server" not in upgraded.logs()


def test_the_engines_own_health_state(engine: Engine, containers: Containers) -> None:
    """HEALTHCHECK as the engine runs it: Docker by its own clock, podman (which leaves the clock to the host's systemd) when asked."""
    container = containers.start().wait_until_healthy()
    if engine.name == "podman":
        assert engine.run("healthcheck", "run", container.name, check=False).returncode == 0
    else:
        wait_until(lambda: container.state()["Health"]["Status"] == "healthy", 60, "Docker to call the container healthy")
    container.exec("systemctl", "kill", "--signal=STOP", "ollama.service")
    wait_until(lambda: container.health().returncode != 0, 60, "health to tell that Ollama does not answer")
    assert "ollama: " in container.health().stdout
    container.exec("systemctl", "kill", "--signal=CONT", "ollama.service")
    container.wait_until_healthy()
    # A frozen service delays a stop, but not beyond the engine's patience, and it is no reason to report a failure.
    container.exec("systemctl", "kill", f"--signal={signal.SIGSTOP.value}", "cocosearch.service")
    began = time.monotonic()
    container.stop()
    assert time.monotonic() - began < STOP_SECONDS
    assert container.state()["ExitCode"] == 0
