"""Container engines and containers of the all-in-one image, as a user handles them: by the engine's own commands."""

import itertools
import json
import os
import shlex
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tests.appliance.client import Assistant
from tests.appliance.facts import wait_until

IMAGE = "localhost/cocosearch-aio:latest"
RELEASE_IMAGE = "localhost/cocosearch-aio:release-test"
DATA = "/var/lib/cocosearch"
HEALTHY_SECONDS = 180.0
COMMAND_SECONDS = 300.0
PAGE = Path(__file__).parents[2] / "docs/container.md"
# What each test chooses for itself.
_OWN_OPTIONS = ("--name", "--publish", "--volume", "--restart")


def documented_command(engine: str) -> list[str]:
    """The documented command that runs the image, word by word."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = text.split(f"<!-- run: {engine} -->\n```sh\n")
    if len(blocks) != 2:
        raise ValueError(f"docs/container.md needs one block marked 'run: {engine}'")
    return shlex.split(blocks[1].split("```")[0].replace("\\\n", " "))


def documented_flags(engine: str) -> tuple[str, ...]:
    """Flags of the documented command that are not about the one container: the tests run theirs with the same."""
    words = documented_command(engine)
    flags: list[str] = []
    skip = False
    for word, following in itertools.pairwise(words[2:]):
        if skip:
            skip = False
        elif word in _OWN_OPTIONS:
            if word == "--volume" and following.startswith("/sys/"):
                flags += [word, following]
            skip = True
        elif word != "--detach":
            flags.append(word)
    return tuple(flags)


@dataclass(frozen=True)
class Engine:
    """One engine: its client and the flags that its documented command gives."""

    name: str
    client: tuple[str, ...]
    flags: tuple[str, ...]

    def run(self, *arguments: str, check: bool = True, given: str = "") -> subprocess.CompletedProcess[str]:
        """One command of the engine's client."""
        command = [*self.client, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS)
        if check and done.returncode != 0:
            raise AssertionError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def shell(self, script: str, image: str = IMAGE) -> str:
        """Output of a script in a container of the image that is not booted."""
        return self.run("run", "--rm", "--network=none", image, "sh", "-euc", script).stdout

    def inspect_image(self, image: str = IMAGE) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.run("image", "inspect", image).stdout)
        return found[0]

    def healthcheck(self, image: str = IMAGE) -> dict[str, Any]:
        """The image's HEALTHCHECK; podman shows it outside of the configuration."""
        inspected = self.inspect_image(image)
        found: dict[str, Any] = inspected.get("Healthcheck") or inspected["Config"]["Healthcheck"]
        return found


@dataclass(frozen=True)
class Container:
    """A container that may run, have ended, or not be there any more."""

    engine: Engine
    name: str

    def exec(self, *command: str, given: str = "") -> str:
        """Output of a command in it.

        Raises:
            AssertionError: it failed.
        """
        return self.engine.run("exec", "--interactive", self.name, *command, given=given).stdout

    def try_exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.engine.run("exec", self.name, *command, check=False)

    def state(self) -> dict[str, Any]:
        """The engine's account of it."""
        inspected: list[dict[str, Any]] = json.loads(self.engine.run("container", "inspect", self.name).stdout)
        state: dict[str, Any] = inspected[0]["State"]
        return state

    def logs(self) -> str:
        """What `logs` shows: both streams."""
        done = self.engine.run("logs", self.name)
        return done.stdout + done.stderr

    def health(self) -> subprocess.CompletedProcess[str]:
        """The image's HEALTHCHECK command, now."""
        command = self.engine.healthcheck(self.image())["Test"]
        assert command[0] == "CMD"
        return self.try_exec(*command[1:])

    def image(self) -> str:
        return self.engine.run("container", "inspect", "--format={{.Image}}", self.name).stdout.strip()

    def url(self, port: int = 8080) -> str:
        """Where its port is published on this machine."""
        return f"http://{self.engine.run('port', self.name, f'{port}/tcp').stdout.split()[0]}"

    def wait_until_healthy(self, seconds: float = HEALTHY_SECONDS) -> "Container":
        """Itself, once the image's own check says so."""
        deadline = time.monotonic() + seconds
        while (checked := self.health()).returncode != 0:
            running = self.state()["Running"]
            if time.monotonic() > deadline or not running:
                where = "is not healthy" if running else "has ended"
                raise AssertionError(f"{self.name} {where}: {checked.stdout}{checked.stderr}\n{self.logs()[-6000:]}")
            time.sleep(0.5)
        return self

    def wait_for_end(self, seconds: float = 120.0) -> int:
        """Its exit status, once it has ended by itself."""
        wait_until(lambda: not self.state()["Running"], seconds, f"{self.name} to end by itself")
        return int(self.state()["ExitCode"])

    def stop(self) -> float:
        """Stop it as a user does; the seconds that took."""
        began = time.monotonic()
        self.engine.run("stop", self.name)
        return time.monotonic() - began

    def assistant(self, port: int = 8080) -> Assistant:
        """An MCP client with the container's token."""
        return Assistant(f"{self.url(port)}/mcp", self.exec("cocosearch", "token", "show").strip())

    def answers(self, port: int = 8080) -> bool:
        try:
            return httpx.get(f"{self.url(port)}/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_indexed(self, project: str, seconds: float = 120.0) -> None:
        def ready() -> bool:
            listed = self.try_exec("cocosearch", "list", "--json")
            states = {entry["name"]: entry["state"] for entry in json.loads(listed.stdout or "[]")} if listed.returncode == 0 else {}
            return states.get(project) == "ready"

        wait_until(ready, seconds, f"the index of {project}")

    def paths(self, query: str, *options: str) -> list[str]:
        """Paths that the command finds."""
        return [hit["path"] for hit in json.loads(self.exec("cocosearch", "search", query, "--json", *options))["hits"]]


class Containers:
    """Makes containers and volumes with names of their own, and removes them all at the end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._names: list[str] = []
        self._volumes: list[str] = []

    def volume(self) -> str:
        """Name of a volume that is empty."""
        name = f"cocosearch-test-{uuid.uuid4().hex[:8]}"
        self.engine.run("volume", "create", name)
        self._volumes.append(name)
        return name

    def start(self, *options: str, image: str = IMAGE, flags: Sequence[str] | None = None) -> Container:
        """Run the image in the background, with the documented flags unless others are given."""
        name = f"cocosearch-test-{uuid.uuid4().hex[:8]}"
        self._names.append(name)
        chosen = self.engine.flags if flags is None else tuple(flags)
        self.engine.run("run", "--detach", "--name", name, *chosen, *options, image)
        return Container(self.engine, name)

    def remove(self, container: Container) -> None:
        self.engine.run("rm", "--force", "--volumes", container.name)
        self._names.remove(container.name)

    def close(self) -> None:
        for name in self._names:
            if os.environ.get("KEEP_CONTAINERS") != "1":
                self.engine.run("rm", "--force", "--volumes", name, check=False)
        for name in self._volumes:
            self.engine.run("volume", "rm", "--force", name, check=False)
