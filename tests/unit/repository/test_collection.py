"""The repository is a collection: built, installed elsewhere, and played from an empty directory."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PACK = REPOSITORY / "roles/cocosearch/files/pack_source.py"


def run(*command: str | Path, directory: Path, collections: Path | None = None) -> str:
    bin_directory = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment["PATH"] = f"{bin_directory}:{environment['PATH']}"
    if collections is not None:
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=directory)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built collection."""
    directory = tmp_path_factory.mktemp("built")
    run("ansible-galaxy", "collection", "build", "--output-path", directory, directory=REPOSITORY)
    (built,) = directory.iterdir()
    return built


@pytest.fixture(scope="module")
def collections(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed, without a network."""
    directory = tmp_path_factory.mktemp("collections")
    run("ansible-galaxy", "collection", "install", "--offline", "--collections-path", directory, archive, directory=directory)
    return directory


def test_it_holds_what_a_play_needs_and_nothing_of_the_workshop(archive: Path) -> None:
    with tarfile.open(archive) as opened:
        names = {name.split("/")[0] for name in opened.getnames()}
    top = {"roles", "playbooks", "meta", "src", "pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    assert names - {"docs"} == top | {"MANIFEST.json", "FILES.json"}


def test_its_playbook_does_what_the_repositorys_does(collections: Path, tmp_path: Path) -> None:
    def tasks(playbook: str, directory: Path) -> list[str]:
        listed = run("ansible-playbook", "--list-tasks", "--inventory=localhost,", playbook, directory=directory, collections=collections)
        return [line.replace("cocosearch.appliance.", "") for line in listed.splitlines() if "TAGS:" in line]

    installed = tasks("cocosearch.appliance.site", tmp_path)
    assert len(installed) > 100
    assert installed == tasks(str(REPOSITORY / "playbooks/site.yml"), REPOSITORY)


def test_its_program_is_the_same_release(collections: Path, tmp_path: Path) -> None:
    """Else a host that was set up from a checkout would be set up anew by the collection."""

    def digest(checkout: Path) -> str:
        return run(sys.executable, PACK, checkout, tmp_path / "packed.tar", directory=tmp_path)

    installed = collections / "ansible_collections/cocosearch/appliance"
    assert digest(installed) == digest(REPOSITORY)
    with tarfile.open(tmp_path / "packed.tar") as packed:
        assert "cocosearch/LICENSE" in packed.getnames()
