"""compose.yaml, the Quadlet and the README run the image in the same way; tests/container runs it as the README does."""

import configparser
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.container.engines import documented_command

REPOSITORY = Path(__file__).parents[2]


def options(engine: str) -> dict[str, list[str]]:
    """Options of the README's command, each with its values."""
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
