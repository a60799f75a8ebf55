"""compose.yaml, the Quadlet and docs/container.md run the image in the same way, and so does tests/container."""

import configparser
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.container.engines import documented_command

REPOSITORY = Path(__file__).parents[3]
PRINT_LOG = REPOSITORY / "image" / "rootfs" / "usr" / "local" / "libexec" / "cocosearch" / "print-log"


def options(engine: str) -> dict[str, list[str]]:
    """Options of the documented command, each with its values."""
    found: dict[str, list[str]] = {}
    words = documented_command(engine)[2:-1]
    while words:
        name = words.pop(0)
        found.setdefault(name, []).extend([words.pop(0)] if words and not words[0].startswith("--") else [])
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return loaded


def test_compose_runs_the_image_as_the_readme_does(services: dict[str, Any]) -> None:
    documented, service = options("docker"), services["aio"]
    assert service["profiles"] == ["aio"]
    assert service["cap_drop"] == documented["--cap-drop"]
    assert service["cap_add"] == documented["--cap-add"]
    assert service["security_opt"] == documented["--security-opt"]
    assert service["tmpfs"] == documented["--tmpfs"]
    assert [service["restart"]] == documented["--restart"]
    assert [port.replace("${COCOSEARCH_PUBLISHED_PORT:-8080}", "8080") for port in service["ports"]] == documented["--publish"]
    assert [volume.replace("${COCOSEARCH_PROJECT:-.}", "$PWD") for volume in service["volumes"]] == documented["--volume"]
    assert service["image"] == f"${{COCOSEARCH_IMAGE:-{documented_command('docker')[-1]}}}"
    assert "privileged" not in service


def test_composes_development_services_are_for_this_machine_alone(services: dict[str, Any]) -> None:
    development = {name: service for name, service in services.items() if service["profiles"] == ["development"]}
    assert development.keys() == {"database", "ollama"}
    assert all(port.startswith("127.0.0.1:") for service in development.values() for port in service["ports"])
    assert all(":" in service["image"].rpartition("/")[2] for service in development.values())  # a version is named


def test_the_development_services_are_of_the_roles_versions(services: dict[str, Any]) -> None:
    roles = {
        role: yaml.safe_load((REPOSITORY / "roles" / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
        for role in ("ollama", "postgresql")
    }
    assert services["ollama"]["image"].endswith(f":{roles['ollama']['ollama_version']}")
    assert services["database"]["image"].endswith(f"-pg{roles['postgresql']['postgresql_major']}")


def test_the_quadlet_runs_the_image_as_the_readme_does() -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    text = (REPOSITORY / "image" / "cocosearch.container").read_text(encoding="utf-8")
    parser.read_string(text)
    container, documented = parser["Container"], options("podman")
    assert [container["DropCapability"].upper()] == documented["--cap-drop"]
    assert container["AddCapability"].split() == documented["--cap-add"]
    assert container["NoNewPrivileges"] == "true"
    assert [container["PublishPort"]] == documented["--publish"]
    assert [f"Volume={documented['--volume'][0]}" in text, container["Image"]] == [True, documented_command("podman")[-1]]
    assert [parser["Service"]["Restart"]] == documented["--restart"]
    # The image's own health check is not in OCI's format, which podman may have loaded it from.
    recipe = (REPOSITORY / "Dockerfile.aio").read_text(encoding="utf-8")
    assert f'CMD ["{container["HealthCmd"]}"]' in recipe
    assert f"--interval={container['HealthInterval']}" in recipe


@pytest.mark.parametrize("engine", ["podman", "docker", "docker-before-28"])
def test_the_readme_opens_the_image_to_this_machine_alone(engine: str) -> None:
    documented = options(engine)
    assert documented["--publish"] == ["127.0.0.1:8080:8080"]
    assert "--privileged" not in documented
    assert documented["--cap-drop"] == ["ALL"]
    assert "no-new-privileges" in documented["--security-opt"]


def test_what_the_target_starts_stands_behind_it() -> None:
    """As in the roles: by itself systemd would order the target behind it, and break the circle by leaving one of the two out."""
    units = (REPOSITORY / "image" / "rootfs" / "etc" / "systemd" / "system").glob("*.service")
    wanted = [text for unit in units if "WantedBy=cocosearch.target" in (text := unit.read_text(encoding="utf-8"))]
    assert wanted
    assert all(re.search(r"^After=.*\bcocosearch\.target$", text, re.MULTILINE) for text in wanted)


def test_the_containers_log_has_every_service() -> None:
    of_roles = {template.name.removesuffix(".j2") for template in REPOSITORY.glob("roles/*/templates/*.service.j2")}
    of_image = {unit.name for unit in (REPOSITORY / "image" / "rootfs" / "etc" / "systemd" / "system").glob("*.service")}
    assert set(re.findall(r"--unit=(\S+)", PRINT_LOG.read_text(encoding="utf-8"))) == of_roles | of_image


def test_the_containers_log_is_printed_to_its_last_line(tmp_path: Path) -> None:
    """What the journal takes in while everything ends, and the follower has missed, is printed before the container is gone."""
    _program(tmp_path / "journalctl", 'case "$*" in *--follow*) head -n 1 log; exec sleep 60 ;; *) tail -n +2 log ;; esac')
    _program(tmp_path / "systemd-journal", "trap 'echo last >> log; exit' TERM; while :; do sleep 0.05; done")
    (tmp_path / "log").write_text("first\n")
    script = f"""
        mount --types tmpfs none /run
        systemd-journal & journal=$!
        {PRINT_LOG} > printed & printing=$!
        until grep --quiet first printed; do sleep 0.05; done
        kill $printing
        kill $journal
        wait $printing
    """
    namespaces = ["unshare", *(["--map-root-user"] if os.geteuid() else []), "--mount", "--pid", "--fork", "--mount-proc"]
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run([*namespaces, "sh", "-euc", script], cwd=tmp_path, env={**os.environ, "PATH": path}, check=True, timeout=60)
    assert (tmp_path / "printed").read_text() == "first\nlast\n"


def _program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
