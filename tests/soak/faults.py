"""What can happen to an appliance: each fault is done to the machine, and over when its function returns."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from tests.soak.machine import SERVICES, Machine

HANG_SECONDS = 20.0
FULL_SECONDS = 20.0
STATE = "/var/lib/cocosearch"
BALLAST = f"{STATE}/ballast"
# A file system that is larger is this host's own, which others need.
LARGEST_TO_FILL_BYTES = 8 * 2**30

Fault = Callable[[Machine], None]


def kill(unit: str, machine: Machine) -> None:
    """Kill the main process, as the kernel does where memory ends."""
    _signal(machine, unit, "KILL")


def stop_and_start(unit: str, machine: Machine) -> None:
    """Stop a unit and start it again, as an operator does; what needs it has to come back by itself."""
    machine.run("systemctl", "stop", unit)
    machine.run("systemctl", "start", unit)


def hang(unit: str, machine: Machine) -> None:
    """Stop the main process for 20 s in the middle of what it does."""
    pid = _signal(machine, unit, "STOP")
    time.sleep(HANG_SECONDS)
    # Its watchdog may have ended it meanwhile.
    machine.shell(f"kill -CONT {pid} 2>/dev/null || test ! -d /proc/{pid}")


def fill_disk(machine: Machine) -> None:
    """Leave no room where the database and the state are, for 20 s."""
    with _no_room(machine):
        time.sleep(FULL_SECONDS)


def restart_machine(machine: Machine) -> None:
    """Shut everything down and boot."""
    machine.restart()


@contextmanager
def _no_room(machine: Machine) -> Iterator[None]:
    try:
        # Whatever is freed meanwhile is taken too.
        machine.shell(f"dd if=/dev/zero of={BALLAST} bs=1M status=none 2>/dev/null || test -s {BALLAST}")
        yield
    finally:
        machine.run("rm", "--force", BALLAST)


def _signal(machine: Machine, unit: str, signal: str) -> str:
    pid = machine.main_pid(unit)
    if pid != "0":
        machine.run("kill", f"-{signal}", pid)
    return pid


def _can_fill(machine: Machine) -> bool:
    return (
        int(machine.run("stat", "--file-system", "--format=%b", STATE)) * int(machine.run("stat", "--file-system", "--format=%S", STATE))
        <= LARGEST_TO_FILL_BYTES
    )


def faults_for(machine: Machine) -> Mapping[str, Fault]:
    """Every fault that this machine can bear, by its name. A disk is filled only where the state has a small file system of its own."""
    by_unit = {"kill": kill, "stop and start": stop_and_start, "hang": hang}
    found: dict[str, Fault] = {
        f"{name} {unit.removesuffix('.service')}": partial(fault, unit) for name, fault in by_unit.items() for unit in SERVICES
    }
    found["restart the machine"] = restart_machine
    if _can_fill(machine):
        found["fill the disk"] = fill_disk
    return found


def in_random_order(names: list[str], seed: int) -> Iterator[str]:
    """The names again and again, each round shuffled: random, and none is left out for long."""
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    while True:
        yield from chance.sample(names, len(names))
