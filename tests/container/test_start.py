"""How a container starts: with every kind of volume, without a network, with what has to be refused."""

import os
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from tests.appliance.facts import wait_until
from tests.container.engines import DATA, IMAGE, Container, Containers, Engine

EX_CONFIG = 78


def test_an_empty_directory_of_root_alone_without_a_network(podman_containers: Containers, project: Path, tmp_path: Path) -> None:
    """A bind mount hides whatever the image has there, so the model has to come from elsewhere; nothing can be downloaded."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, 0, 0)
    container = podman_containers.start("--network=none", f"--volume={data}:{DATA}", f"--volume={project}:/project:ro")
    container.wait_until_healthy().wait_until_indexed("ledger")
    assert container.paths("put the entries in order", "--project", "ledger")[0] == "src/ledger.py"
    assert (data / "postgresql" / "17" / "PG_VERSION").is_file()
    assert (data / "credentials").stat().st_mode & 0o077 == 0


def test_an_empty_named_volume_and_nothing_else(containers: Containers) -> None:
    """No project is mounted: it serves all the same, and indexes nothing of its own."""
    container = containers.start(f"--volume={containers.volume()}:{DATA}").wait_until_healthy()
    assert container.exec("cocosearch", "list", "--json").strip() == "[]"
    assert container.stop() < 10.0
    assert container.state()["ExitCode"] == 0


def test_a_first_start_that_was_cut_off_is_taken_up(podman_containers: Containers) -> None:
    volume = podman_containers.volume()
    first = podman_containers.start(f"--volume={volume}:{DATA}")
    half = f"{DATA}/postgresql/17.new/base"
    wait_until(lambda: first.try_exec("test", "-e", half).returncode == 0, 60, "the cluster to be half made")
    first.engine.run("kill", "--signal=KILL", first.name)
    assert first.wait_for_end() == 137
    podman_containers.start(f"--volume={volume}:{DATA}").wait_until_healthy()


def test_a_volume_of_another_postgresql_is_refused(podman_containers: Containers) -> None:
    volume = podman_containers.volume()
    other = f"{DATA}/postgresql/16"
    podman_containers.engine.run(
        *("run", "--rm", f"--volume={volume}:{DATA}", IMAGE, "sh", "-c", f"mkdir -p {other} && echo 16 >{other}/PG_VERSION"),
    )
    container = podman_containers.start(f"--volume={volume}:{DATA}")
    assert container.wait_for_end() == 101
    assert "holds a cluster of PostgreSQL 16, and this installation runs 17." in container.logs()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("COCOSEARCH_DATABASE_URL=postgresql://db/x", "COCOSEARCH_DATABASE_URL cannot be set here."),
        ("COCOSEARCH_OLLAMA_URL=http://gpu:11434", "COCOSEARCH_OLLAMA_URL cannot be set here."),
        ("OLLAMA_HOST=0.0.0.0", "OLLAMA_HOST cannot be set here."),
        ("COCOSEARCH_PROT=9090", "Unknown setting COCOSEARCH_PROT in the environment. Did you mean COCOSEARCH_PORT?"),
        ("COCOSEARCH_PORT=many", "COCOSEARCH_PORT='many' is not valid"),
        ("COCOSEARCH_TRANSPORT=bogus", "COCOSEARCH_TRANSPORT='bogus' is not valid"),
        ("COCOSEARCH_MODEL=two\nlines", "a value has to stand in one line"),
        ("COCOSEARCH_TOKEN_FILE=/run/secrets/token", "is no file in this container: mount it."),
    ],
)
def test_a_setting_that_cannot_be_is_refused(podman: Engine, setting: str, sentence: str) -> None:
    done = podman.run("run", "--rm", *podman.flags, f"--env={setting}", IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_is_too_short_is_refused(podman: Engine, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("short\n")
    mounted = (f"--volume={tmp_path}/token:/run/secrets/token:ro", "--env=COCOSEARCH_TOKEN_FILE=/run/secrets/token")
    done = podman.run("run", "--rm", *podman.flags, *mounted, IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert done.stderr.splitlines()[-1].startswith("cocosearch: Line 1 of the token file /run/secrets/token has 5 characters")


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--user=1000",), "the container has to start as root, and here it would be user 1000"),
        (("--volume={file}:/project:ro",), "/project is no directory"),
        (("--volume={directory}:/var/lib/cocosearch:ro",), "/var/lib/cocosearch cannot be written"),
    ],
)
def test_what_cannot_work_is_refused(podman: Engine, tmp_path: Path, flags: tuple[str, ...], sentence: str) -> None:
    file, directory = tmp_path / "file", tmp_path / "directory"
    file.touch()
    directory.mkdir()
    named = [flag.format(file=file, directory=directory) for flag in flags]
    done = podman.run("run", "--rm", *podman.flags, *named, IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert sentence in done.stderr
    assert "--systemd=always" not in done.stderr


def test_podman_is_told_its_missing_flag(podman: Engine) -> None:
    done = podman.run("run", "--rm", "--systemd=false", IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert _flags(done) == ["--systemd=always"]


def test_docker_is_told_its_missing_flag(docker: Engine) -> None:
    without_tmpfs = [flag for flag in docker.flags if flag not in {"--tmpfs", "/run"}]
    done = docker.run("run", "--rm", *without_tmpfs, IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert _flags(done) == ["--tmpfs /run"]
    done = docker.run("run", "--rm", "--tmpfs", "/run", IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert [flag.split("   ")[0] for flag in _flags(done)] == ["--security-opt writable-cgroups=true"]
    assert "--cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:rw" in done.stderr


def _flags(done: "subprocess.CompletedProcess[str]") -> list[str]:
    return [line.removeprefix("cocosearch:   ") for line in done.stderr.splitlines() if line.startswith("cocosearch:   ")]


def test_another_first_process_is_refused(podman: Engine) -> None:
    done = podman.run("run", "--rm", "--init", *podman.flags, IMAGE, check=False)
    assert done.returncode == EX_CONFIG
    assert "Leave out --init" in done.stderr


def test_a_token_of_ones_own(podman_containers: Containers, tmp_path: Path) -> None:
    """A file that only root may read, as secrets are mounted."""
    token = "t" * 40
    (tmp_path / "token").write_text(token + "\n")
    (tmp_path / "token").chmod(0o400)
    container = podman_containers.start(
        *("--publish=127.0.0.1::8080", f"--volume={tmp_path}/token:/run/secrets/token:ro", "--env=COCOSEARCH_TOKEN_FILE=/run/secrets/token")
    ).wait_until_healthy()
    assistant = type(container.assistant())(f"{container.url()}/mcp", token)
    assert assistant.call("list_projects")["projects"] == []


def test_a_changed_token_of_ones_own_counts(podman_containers: Containers, tmp_path: Path) -> None:
    """In its place, as an editor writes it; what is mounted is the file."""
    file, first, second = tmp_path / "token", "t" * 40, "u" * 40
    file.write_text(first + "\n")
    file.chmod(0o400)
    container = podman_containers.start(
        *("--publish=127.0.0.1::8080", f"--volume={file}:/run/secrets/token:ro", "--env=COCOSEARCH_TOKEN_FILE=/run/secrets/token")
    ).wait_until_healthy()

    def status(token: str) -> int:
        headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
        return httpx.post(f"{container.url()}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers).status_code

    assert (status(first), status(second)) == (200, 401)
    file.write_text(second + "\n")
    wait_until(lambda: status(second) == 200, 20, "the changed token to be taken")
    assert status(first) == 401
    assert container.exec("cocosearch", "token", "show").strip() == second


def test_stdio_alone(podman_containers: Containers, project: Path) -> None:
    """No HTTP server runs, and that is healthy; clients come by exec."""
    container = podman_containers.start(
        "--env=COCOSEARCH_TRANSPORT=stdio", "--publish=127.0.0.1::8080", f"--volume={project}:/project:ro"
    ).wait_until_healthy()
    assert container.exec("systemctl", "show", "--property=ActiveState", "--value", "cocosearch.service").strip() == "inactive"
    assert not container.answers()
    container.wait_until_indexed("ledger")
    assert container.paths("reconcile_ledger")[0] == "src/ledger.py"
    container.exec("systemctl", "kill", "--signal=STOP", "ollama.service")
    wait_until(lambda: container.health().returncode != 0, 60, "health to tell that Ollama does not answer")


def _broken(unit: str, directory: Path) -> str:
    """A mount that makes the unit's program one that always fails, and its retries quick."""
    drop_in = directory / f"{unit}.conf"
    # Directives of a unit's own type only: a service that tells when it is ready never does.
    drop_in.write_text("[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=100ms\n")
    return f"--volume={drop_in}:/etc/systemd/system/{unit}.d/90-broken.conf:ro"


def test_what_cannot_recover_ends_the_container_by_its_name(podman_containers: Containers, tmp_path: Path) -> None:
    causes = {
        "cocosearch-postgresql.service": 101,
        "ollama.service": 102,
        "cocosearch-database.service": 103,
        "cocosearch.service": 104,
    }
    running: dict[str, Container] = {unit: podman_containers.start(_broken(unit, tmp_path)) for unit in causes}
    assert {unit: container.wait_for_end() for unit, container in running.items()} == causes


def test_a_failing_indexer_takes_nothing_down(podman_containers: Containers, tmp_path: Path) -> None:
    unit = "cocosearch-indexer.service"
    container = podman_containers.start(_broken(unit, tmp_path)).wait_until_healthy()

    def restarts() -> int:
        return int(container.exec("systemctl", "show", "--property=NRestarts", "--value", unit))

    wait_until(lambda: restarts() > 20, 60, "the indexer to fail many times")
    assert container.health().returncode == 0


def test_a_restart_policy_takes_it_up(docker: Engine, tmp_path: Path) -> None:
    made = Containers(docker)
    try:
        began = time.monotonic()
        container = made.start("--restart=on-failure:1", _broken("cocosearch-postgresql.service", tmp_path))
        wait_until(lambda: _restarts(container) == 1 and not container.state()["Running"], 120, "Docker to restart it once")
        assert container.state()["ExitCode"] == 101
        assert time.monotonic() - began < 120
    finally:
        made.close()


def _restarts(container: Container) -> int:
    return int(container.engine.run("container", "inspect", "--format={{.RestartCount}}", container.name).stdout)
