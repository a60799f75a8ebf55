"""Use an appliance while one random fault a minute is done to it, and tell at the end whether anything was lost.

    python -m tests.soak NAME [--minutes 5] [--seed N] [--engine podman]

NAME is a container in which the roles have converged, with the projects of molecule's default scenario. Exit status 1: something does not
hold. See `make soak`.
"""

import argparse
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.appliance.client import Assistant
from tests.soak.faults import faults_for, in_random_order
from tests.soak.machine import SERVICES, Machine
from tests.soak.people import Developer, Searcher
from tests.soak.project import DIRECTORY, PROJECT, assistant_of, prepare, wait_for_health
from tests.soak.verdict import Finding, compare_with_clean_run, every_refusal_has_a_sentence, memory_is_flat, settle

FAULT_EVERY_SECONDS = 60.0
SAMPLE_EVERY_SECONDS = 15.0


@dataclass
class Memory:
    """Reads the memory of each service every 15 s."""

    machine: Machine
    stopped: threading.Event
    samples: dict[str, list[int]] = field(default_factory=lambda: {unit: [] for unit in SERVICES})

    def run(self) -> None:
        """Read until told to stop."""
        while not self.stopped.wait(SAMPLE_EVERY_SECONDS):
            for unit, values in self.samples.items():
                try:
                    used = self.machine.resident_bytes(unit)
                except RuntimeError:
                    continue  # the machine is being restarted
                if used:
                    values.append(used)


def main() -> int:
    """Run the soak and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="the container")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--engine", default=os.environ.get("CONTAINER_ENGINE", "podman"))
    arguments = parser.parse_args()
    machine = Machine(arguments.engine, arguments.name)
    print(f"seed {arguments.seed}: give it again to have the same faults in the same order", flush=True)
    assistant = assistant_of(machine)
    prepare(machine, assistant)
    findings = _soak(machine, assistant, arguments.minutes * 60, arguments.seed)
    for finding in findings:
        print(f"{'holds' if finding.holds else 'DOES NOT HOLD'}: {finding.what} ({finding.seen})", flush=True)
    return 0 if all(finding.holds for finding in findings) else 1


def _soak(machine: Machine, assistant: Assistant, seconds: float, seed: int) -> list[Finding]:
    stopped = threading.Event()
    searcher, developer, memory = (
        Searcher(assistant, PROJECT, stopped),
        Developer(machine, DIRECTORY, stopped, seed),
        Memory(machine, stopped),
    )
    with ThreadPoolExecutor() as pool:
        at_work = [pool.submit(work.run) for work in (searcher, developer, memory)]
        try:
            _do_faults(machine, searcher, seconds, seed)
        finally:
            stopped.set()
    for work in at_work:
        work.result()
    wait_for_health(machine)
    settle(assistant, PROJECT)
    print(f"{developer.changes} changes of files, {dict(searcher.counts())} answers")
    print(f"longest without any answer {searcher.longest_without('whole', 'less', 'refused'):.0f} s,", end=" ")
    print(
        f"without hits {searcher.longest_without('whole', 'less'):.0f} s, without meaning {searcher.longest_without('whole'):.0f} s",
        flush=True,
    )
    return [
        *compare_with_clean_run(machine, assistant, PROJECT, DIRECTORY),
        every_refusal_has_a_sentence(searcher),
        memory_is_flat(memory.samples),
    ]


def _do_faults(machine: Machine, searcher: Searcher, seconds: float, seed: int) -> None:
    """One after the other, each followed by calm until its minute is over."""
    faults = faults_for(machine)
    end = time.monotonic() + seconds
    for name in in_random_order(sorted(faults), seed):
        began = time.monotonic()
        if began >= end:
            return
        print(f"{seconds - (end - began):6.0f} s  {name}", flush=True)
        faults[name](machine)
        time.sleep(max(0.0, min(end, began + FAULT_EVERY_SECONDS) - time.monotonic()))
        print(f"          answers so far: {dict(searcher.counts())}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
