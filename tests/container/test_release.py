"""The image with Ollama's release instead of the embedded server (see release/build), and the model step as it is seen from outside."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.appliance.facts import wait_until
from tests.container.engines import DATA, RELEASE_IMAGE, Containers, Engine

REGISTRY_ANSWERS = "/tmp/registry-answers"  # noqa: S108 - a path in the container


@pytest.fixture(scope="module")
def docker_containers(docker: Engine) -> Iterator[Containers]:
    made = Containers(docker)
    yield made
    made.close()


def test_a_baked_model_serves_without_a_network_and_without_a_pull(podman_containers: Containers, project: Path, tmp_path: Path) -> None:
    """The volume is an empty directory of the host, which hides whatever the image has there; the registry does not answer."""
    data = tmp_path / "data"
    data.mkdir()
    container = podman_containers.start(
        "--network=none", f"--volume={data}:{DATA}", f"--volume={project}:/project:ro", image=RELEASE_IMAGE
    ).wait_until_healthy()
    container.wait_until_indexed("ledger")
    hits = json.loads(container.exec("cocosearch", "search", "sorted entries", "--json"))["hits"]
    assert "dense" in hits[0]["arms"]
    model = container.exec("journalctl", "--unit=cocosearch-model.service", "--output=cat", "--no-pager")
    assert "nomic-embed-text is ready: 768 dimensions, 2048 tokens." in model
    assert "Pulling" not in model


def test_health_before_during_and_after_the_model_step(docker_containers: Containers, project: Path) -> None:
    """A model that the image lacks: `starting`, and search by words alone, for as long as the pull takes; then healthy."""
    container = docker_containers.start(
        *("--env=COCOSEARCH_MODEL=mxbai-embed-large", "--publish=127.0.0.1::8080", f"--volume={project}:/project:ro"),
        image=RELEASE_IMAGE,
    )
    before = container.health()
    assert before.returncode != 0
    assert "Traceback" not in before.stderr
    # cocosearch.service comes after the model step; meanwhile nothing listens, and both checks say so.
    wait_until(lambda: "Pulling mxbai-embed-large: pulling manifest" in container.logs(), 120, "the pull to begin")
    assert container.health().returncode != 0
    assert container.state()["Health"]["Status"] == "starting"
    container.exec("touch", REGISTRY_ANSWERS)
    container.wait_until_healthy().wait_until_indexed("ledger")
    wait_until(lambda: container.state()["Health"]["Status"] == "healthy", 60, "Docker to call the container healthy")
    assert container.assistant().search("sorted entries", project="ledger")[0]["path"] == "src/ledger.py"


def test_the_release_is_ollamas_without_the_libraries_for_graphics_cards(podman: Engine) -> None:
    listed = podman.shell("cd /opt/ollama/current && find . -type f | sort", RELEASE_IMAGE).split()
    assert listed == ["./.complete", "./bin/ollama", "./lib/ollama/libggml-cpu.so"]
    # What only the embedded server needs is not there.
    packages = podman.shell("ls /opt/cocosearch/current/lib/python3*/site-packages", RELEASE_IMAGE).split()
    assert "onnxruntime" not in packages
    assert "fastmcp" in packages
