"""How long an appliance gives no answer, or none by meaning, after each fault, and what it says meanwhile.

    scripts/with-containers .venv/bin/python -m benchmarks.outages NAME [--runs 5] [--engine podman]

NAME is a container in which the roles have converged (`scripts/with-containers molecule converge`). An assistant asks something new twice
a second; each of the soak's faults is done to the machine so many times, each time after all has been well again. Prints Markdown.
"""

import argparse
import os
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.appliance.client import Assistant
from tests.appliance.facts import wait_until
from tests.soak.faults import Fault, faults_for
from tests.soak.machine import Machine
from tests.soak.people import Searcher
from tests.soak.project import PROJECT, assistant_of, prepare, wait_for_health

ASK_EVERY_SECONDS = 0.5
# So many whole answers one after the other, and the outage is over: a fault may show only after a while.
WELL_AGAIN = 20
LONGEST_SECONDS = 300.0


@dataclass(frozen=True)
class Outage:
    """What one fault came to: the longest time without any answer with hits, and without one by meaning, in seconds."""

    without_words: float
    without_meaning: float
    said: frozenset[str]


def main() -> None:
    """Measure, and print a table and the sentences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="the container")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--engine", default=os.environ.get("CONTAINER_ENGINE", "podman"))
    arguments = parser.parse_args()
    machine = Machine(arguments.engine, arguments.name)
    prepare(machine, assistant_of(machine))
    print("| fault | seconds without hits: median / longest | without hits by meaning: median / longest |\n|---|---|---|", flush=True)
    said = {}
    for name, fault in faults_for(machine).items():
        outages = [_suffer(machine, fault) for _ in range(arguments.runs)]
        said[name] = frozenset[str]().union(*(outage.said for outage in outages))
        words = _middle_and_longest(outage.without_words for outage in outages)
        meaning = _middle_and_longest(outage.without_meaning for outage in outages)
        print(f"| {name} | {words} | {meaning} |", flush=True)
    for line in _sentences(said):
        print(line)


def _suffer(machine: Machine, fault: Fault) -> Outage:
    wait_for_health(machine)
    # A restarted machine may have another address.
    searcher = _start(assistant_of(machine))
    with ThreadPoolExecutor() as pool:
        at_work = pool.submit(searcher.run)
        try:
            wait_until(lambda: _well_since(searcher, 0.0), LONGEST_SECONDS, "whole answers before the fault")
            before = len(searcher.answers)
            fault(machine)
            over = time.monotonic()
            wait_until(lambda: _well_since(searcher, over), LONGEST_SECONDS, "whole answers after the fault")
        finally:
            searcher.stopped.set()
        at_work.result()
    answers = searcher.answers[before:]
    return Outage(
        searcher.longest_without("whole", "less"),
        searcher.longest_without("whole"),
        frozenset(answer.words if answer.kind != "no door" else "(no connection)" for answer in answers if answer.kind != "whole"),
    )


def _start(assistant: Assistant) -> Searcher:
    return Searcher(assistant, PROJECT, threading.Event(), ASK_EVERY_SECONDS, asks_anew=True)


def _well_since(searcher: Searcher, moment: float) -> bool:
    last = searcher.answers[-WELL_AGAIN:]
    return len(last) == WELL_AGAIN and last[0].began_at > moment and all(answer.kind == "whole" for answer in last)


def _middle_and_longest(values: Iterable[float]) -> str:
    seconds: Sequence[float] = sorted(values)
    return f"{statistics.median(seconds):.1f} / {seconds[-1]:.1f}"


def _sentences(said: dict[str, frozenset[str]]) -> Iterator[str]:
    yield "\nWhat was said meanwhile:\n"
    for name, sentences in said.items():
        yield f"- {name}: {'; '.join(sorted(sentences)) or 'nothing'}"


if __name__ == "__main__":
    main()
