"""What is in the image, and what is not. Nothing here boots."""

from typing import Any

import pytest
from tests.container.engines import IMAGE, RELEASE_IMAGE, Engine


@pytest.fixture(scope="module", params=[IMAGE, RELEASE_IMAGE])
def image(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def configuration(podman: Engine, image: str) -> dict[str, Any]:
    found: dict[str, Any] = podman.inspect_image(image)["Config"]
    return found


def test_it_says_how_it_is_run(podman: Engine, image: str, configuration: dict[str, Any]) -> None:
    assert configuration["StopSignal"] in {"SIGRTMIN+3", "37"}
    assert configuration["Entrypoint"] == ["/usr/local/sbin/init"]
    assert not configuration.get("Cmd")
    assert configuration["ExposedPorts"] == {"8080/tcp": {}}
    assert configuration["Volumes"] == {"/var/lib/cocosearch": {}}
    assert {variable.split("=")[0] for variable in configuration["Env"]} == {"PATH", "LANG"}
    assert configuration.get("User", "") == ""
    # Long enough for the first pull of a model, as its unit allows it.
    assert podman.healthcheck(image)["StartPeriod"] == 3600 * 10**9


def test_nothing_of_the_build_and_of_any_machine_is_left(podman: Engine, image: str) -> None:
    """One line for each thing found: identities, keys, clusters, caches, logs, tools of the build."""
    names = ("*ansible*", "python3-apt*", "*.env", ".netrc", "pip.conf", "token", "deviceid", "*_key", "*.key", "id_rsa*")
    left = " -o ".join(f"-iname '{name}'" for name in names)
    script = f"""
        set +e
        test -s /etc/machine-id && echo machine-id
        find /root /home /tmp /run /build /mnt /project /var/lib/cocosearch -mindepth 1 -not -type d 2>/dev/null
        find /var/lib/postgresql /etc/postgresql -name PG_VERSION
        find /var/log /var/cache/apt/archives /var/lib/apt/lists /var/cache/cocosearch -type f -not -name README -not -name lock
        find / -xdev -path /proc -prune -o -type f '(' {left} ')' -not -path /etc/cocosearch/cocosearch.env -print
        exit 0
    """
    # Debian's own, and what the engine puts there for a container's time.
    known = {"/root/.bashrc", "/root/.profile", "/run/.containerenv"}
    assert [line for line in podman.shell(script, image).splitlines() if line not in known] == []


def test_the_history_names_no_secret(podman: Engine, image: str) -> None:
    """Secrets of a build are mounted for a step; arguments are public."""
    history = podman.run("history", "--no-trunc", "--format={{.CreatedBy}}", image).stdout
    assert "BEGIN CERTIFICATE" not in history
    assert "id=ca-bundle" in history
    # Nor do the roots that this machine trusts stay: the image has Debian's.
    assert podman.shell("ls /etc/ssl/certs/*.pem | wc -l", image) == podman.shell(
        "find -L /usr/share/ca-certificates -name '*.crt' | wc -l", image
    )


def test_it_runs_a_command_instead_of_the_services(podman: Engine, image: str) -> None:
    assert podman.run("run", "--rm", image, "cocosearch", "--version").stdout.startswith("cocosearch ")


def test_the_model_is_where_no_volume_hides_it(podman: Engine, image: str) -> None:
    assert podman.shell("find /usr/share/cocosearch/models -type f", image).strip()


def test_programs_find_a_directory_for_temporary_files(podman: Engine, image: str) -> None:
    """Also where nothing is mounted there: buildah removes the directory on which a step had a file system."""
    assert podman.shell("stat --format=%a /tmp", image).strip() == "1777"
