"""The all-in-one image: its size by layer, how long a start and a stop take, and what its services need at rest.

Run it as root on the machine that built the image: scripts/with-containers .venv/bin/python -m benchmarks.image [IMAGE]
"""

import contextlib
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.container.engines import DATA, IMAGE, Container, Containers, Engine, documented_flags

REPOSITORY = Path(__file__).parents[1]
STARTS = 3
REST_SECONDS = 30
HEALTHY_SECONDS = 300
MEGABYTE = 10**6
MEBIBYTE_KIB = 1024
# What a step is called, by what its command holds; the first that fits.
STEPS = {
    "apply base": "systemd and Python",
    "systemctl mask": "masks and settings",
    "roles postgresql": "PostgreSQL and pgvector",
    "roles ollama": "embedding server (embedded: with the whole program)",
    "apply model": "model",
    "roles cocosearch": "CocoSearch",
    "COPY": "entry point and drop-ins",
    "systemctl enable": "unit of the project",
    "ADD": "Debian 13",
}


def layers(engine: Engine, image: str) -> Iterator[tuple[str, int]]:
    """Name and bytes of each layer that has any, the lowest first."""
    listed = json.loads(engine.run("history", "--format=json", image).stdout)
    for layer in reversed(listed):
        if layer["size"] > 0:
            yield next((name for mark, name in STEPS.items() if mark in layer["CreatedBy"]), "other"), layer["size"]


@contextlib.contextmanager
def containers() -> Iterator[Containers]:
    """Containers and volumes that are removed at the end."""
    made = Containers(Engine("podman", ("podman",), documented_flags("podman")))
    try:
        yield made
    finally:
        made.close()


def until_healthy(made: Containers, *options: str, image: str) -> tuple[Container, float]:
    """A container, and the seconds from the command that made it to the first healthy answer at its port."""
    began = time.monotonic()
    container = made.start("--publish=127.0.0.1::8080", *options, image=image)
    while not container.answers():
        if time.monotonic() - began > HEALTHY_SECONDS:
            raise SystemExit(f"error: not healthy after {HEALTHY_SECONDS} seconds:\n{container.logs()}")
        time.sleep(0.05)
    return container, time.monotonic() - began


def processes(container: Container) -> Iterator[Path]:
    """Directories below /proc of the container's processes, as this machine sees them."""
    namespace = Path(f"/proc/{container.state()['Pid']}/ns/pid").readlink()
    for process in Path("/proc").glob("[0-9]*"):
        # Others may end meanwhile, or be none of root's business.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if (process / "ns" / "pid").readlink() == namespace:
                yield process


def memory(container: Container) -> Counter[str]:
    """PSS in KiB of all processes of each unit, as this machine's kernel counts it."""
    used: Counter[str] = Counter()
    for process in processes(container):
        groups = (process / "cgroup").read_text(encoding="utf-8")
        unit = next(line.rpartition("/")[2] for line in groups.splitlines() if line.startswith("0::"))
        pss = re.search(r"^Pss:\s+(\d+) kB$", (process / "smaps_rollup").read_text(encoding="utf-8"), re.MULTILINE)
        assert pss is not None
        used[unit] += int(pss[1])
    return used


def row(what: str, figure: str) -> None:
    """Print one row of the table, as soon as it is known."""
    print(f"| {what} | {figure} |", flush=True)


def measure(made: Containers, image: str, project: Path) -> None:
    """Print the table's rows."""
    total = 0
    for name, size in layers(made.engine, image):
        total += size
        row(f"layer: {name}", f"{size / MEGABYTE:.1f} MB")
    row("image", f"{total / MEGABYTE:.0f} MB")
    first = []
    for _ in range(STARTS):
        container, seconds = until_healthy(made, f"--volume={made.volume()}:{DATA}", image=image)
        first.append(seconds)
        made.remove(container)
    row("first start, empty volume, to healthy: median (worst)", f"{statistics.median(first):.1f} s ({max(first):.1f} s)")
    mounts = (f"--volume={made.volume()}:{DATA}", f"--volume={project}:/project:ro")
    container, _ = until_healthy(made, *mounts, image=image)
    container.wait_until_indexed("fastmcp", 900)
    status = json.loads(container.exec("cocosearch", "status", "fastmcp", "--json"))
    starts, stops = [], [container.stop()]
    for _ in range(STARTS):
        made.remove(container)
        container, seconds = until_healthy(made, *mounts, image=image)
        starts.append(seconds)
        stops.append(container.stop())
    row(
        f"start with an index of {status['chunks']} chunks, to healthy: median (worst)",
        f"{statistics.median(starts):.1f} s ({max(starts):.1f} s)",
    )
    row("stop: median (worst)", f"{statistics.median(stops):.1f} s ({max(stops):.1f} s)")
    made.remove(container)
    container, _ = until_healthy(made, *mounts, image=image)
    container.exec("cocosearch", "search", "how is a request authenticated")
    time.sleep(REST_SECONDS)
    used = memory(container)
    for unit, kib in sorted(used.items(), key=lambda item: -item[1]):
        if kib > MEBIBYTE_KIB:
            row(f"memory at rest: {unit} (PSS)", f"{kib / MEBIBYTE_KIB:.0f} MiB")
    row("memory at rest: all", f"{sum(used.values()) / MEBIBYTE_KIB:.0f} MiB")


def main(image: str) -> None:
    """Print the table."""
    [sources] = (REPOSITORY / ".venv" / "lib").glob("python3*/site-packages/fastmcp")
    row("what", "figure")
    print("|---|---|")
    with tempfile.TemporaryDirectory() as directory, containers() as made:
        project = Path(directory) / "fastmcp"
        subprocess.run(["cp", "--recursive", sources, project], check=True)
        (project / "cocosearch.yaml").write_text("name: fastmcp\ninclude: [server/auth/]\n", encoding="utf-8")
        measure(made, image, project)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else IMAGE)
