"""Engines for the tests: podman, and a Docker engine of the tests' own. Run them by scripts/test-container, which builds the images."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.appliance.facts import wait_until
from tests.container.engines import IMAGE, RELEASE_IMAGE, Containers, Engine, documented_flags

REPOSITORY = Path(__file__).parents[2]
UNPACKED_CLIENT = REPOSITORY / ".cache" / "docker" / "usr" / "bin" / "docker"
STRANGER = 4711  # a user that no image knows


@pytest.fixture(scope="session")
def podman() -> Engine:
    return Engine("podman", ("podman",), documented_flags("podman"))


@pytest.fixture(scope="session")
def docker(podman: Engine) -> Iterator[Engine]:
    """A Docker engine in a directory of its own, with both images; nothing of it stays."""
    with tempfile.TemporaryDirectory(prefix="cocosearch-docker-", dir="/var/tmp", ignore_cleanup_errors=True) as directory:
        log = Path(directory) / "log"
        with log.open("wb") as output:
            daemon = subprocess.Popen([REPOSITORY / "tools" / "docker-engine", directory], stdout=output, stderr=output)
        client = (str(UNPACKED_CLIENT), "--host", f"unix://{directory}/socket")
        engine = Engine("docker", client, documented_flags("docker-before-28"))

        def answers() -> bool:
            assert daemon.poll() is None, log.read_text(encoding="utf-8", errors="replace")
            return (Path(directory) / "socket").exists() and engine.run("info", check=False).returncode == 0

        try:
            wait_until(answers, 120, "the Docker engine to answer")
            _hand_over_archive(podman, engine, Path(directory) / "archive")
            _hand_over(podman, engine, RELEASE_IMAGE)
            yield engine
        finally:
            daemon.terminate()
            daemon.wait(60)
            shutil.rmtree(Path(directory) / "data", ignore_errors=True)


def _hand_over_archive(source: Engine, target: Engine, directory: Path) -> None:
    """The image's archive, as it is given to users, read by the other engine: the very same image."""
    exported = subprocess.run([REPOSITORY / "scripts" / "image", "export", IMAGE, directory], check=True, stdout=subprocess.PIPE, text=True)
    target.run("load", "--quiet", "--input", str(directory / "cocosearch-aio.oci.tar"))
    assert exported.stdout.strip() == target.inspect_image(IMAGE)["Id"]
    assert exported.stdout.strip().removeprefix("sha256:") == source.inspect_image(IMAGE)["Id"]
    listed = json.loads((directory / "cocosearch-aio.cdx.json").read_text(encoding="utf-8"))
    assert {"postgresql-17", "postgresql-17-pgvector", "cocosearch-appliance", "systemd"} <= {part["name"] for part in listed["components"]}
    assert listed["metadata"]["component"]["version"] == exported.stdout.strip()


def _hand_over(source: Engine, target: Engine, image: str) -> None:
    with subprocess.Popen([*source.client, "save", image], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saved:
        subprocess.run([*target.client, "load", "--quiet"], stdin=saved.stdout, check=True, capture_output=True)
    assert saved.returncode == 0


@pytest.fixture(scope="session", params=["podman", "docker"])
def engine(request: pytest.FixtureRequest) -> Engine:
    chosen: Engine = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(scope="module")
def containers(engine: Engine) -> Iterator[Containers]:
    """Containers on each engine, in turn."""
    made = Containers(engine)
    yield made
    made.close()


@pytest.fixture(scope="module")
def podman_containers(podman: Engine) -> Iterator[Containers]:
    """Containers for what does not depend on the engine."""
    made = Containers(podman)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that belongs to a stranger and is closed to everybody else, under git, with a configuration."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="module")
def lasting_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("mounted") / "project")


def make_project(root: Path) -> Path:
    (root / "src").mkdir(parents=True)
    (root / "vendor").mkdir()
    (root / "cocosearch.yaml").write_text("name: ledger\nexclude: [vendor/]\n")
    (root / ".gitignore").write_text("ignored.py\n")
    (root / "src" / "ledger.py").write_text("def reconcile_ledger(entries):\n    return sorted(entries)\n")
    (root / "ignored.py").write_text("def left_out_by_git():\n    return 1\n")
    (root / "vendor" / "copied.py").write_text("def left_out_by_configuration():\n    return 2\n")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "src"], check=True)
    for path in (root, *root.rglob("*")):
        os.chown(path, STRANGER, STRANGER)
        path.chmod(0o700 if path.is_dir() else 0o600)
    return root
