"""What goes on meanwhile: an assistant that searches every second, and a developer who changes a project every ten."""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx2
from fastmcp.exceptions import ToolError
from tests.appliance.client import Assistant
from tests.soak.machine import Machine

SEARCH_EVERY_SECONDS = 1.0
CHANGE_EVERY_SECONDS = 10.0
QUESTIONS = ("turn a JSON document into Python objects", "roll over the log file when it gets too big", "JSONDecodeError", "keep cookies")


@dataclass(frozen=True)
class Answer:
    """What one search came to: `kind` is `whole`, `less` (with the server's note), `refused` (with its sentence) or `no door`."""

    began_at: float
    seconds: float
    kind: str
    words: str


@dataclass
class Searcher:
    """Searches once a second, or as often as it is told, until it is told to stop."""

    assistant: Assistant
    project: str
    stopped: threading.Event
    every_seconds: float = SEARCH_EVERY_SECONDS
    # A question that was asked before needs no embedding server: its vector is kept.
    asks_anew: bool = False
    answers: list[Answer] = field(default_factory=list)

    def run(self) -> None:
        """Search and write down what came."""
        number = 0
        while not self.stopped.is_set():
            began = time.monotonic()
            question = QUESTIONS[number % len(QUESTIONS)]
            kind, words = self._search(f"{question} {began}" if self.asks_anew else question)
            seconds = time.monotonic() - began
            self.answers.append(Answer(began, seconds, kind, words))
            number += 1
            self.stopped.wait(max(0.0, self.every_seconds - seconds))

    def _search(self, question: str) -> tuple[str, str]:
        try:
            answer = self.assistant.call("search_code", query=question, project=self.project, limit=3)
        except ToolError as error:
            return "refused", str(error)
        except (httpx2.TransportError, RuntimeError) as error:
            # fastmcp's client tells of a door that is closed by a RuntimeError, and of one that closes meanwhile by its transport's error.
            return "no door", f"{type(error).__name__}: {error}"
        except httpx2.HTTPStatusError as error:
            return "refused", error.response.text
        return ("less", str(answer["note"])) if answer["note"] else ("whole", "")

    def longest_without(self, *kinds: str) -> float:
        """Longest time in which no answer was of one of the kinds, in seconds."""
        longest, since = 0.0, self.answers[0].began_at
        for answer in self.answers:
            if answer.kind in kinds:
                longest = max(longest, answer.began_at + answer.seconds - since)
                since = answer.began_at + answer.seconds
        return max(longest, self.answers[-1].began_at - since)

    def counts(self) -> Counter[str]:
        """How many answers there were of each kind."""
        return Counter(answer.kind for answer in self.answers)


@dataclass
class Developer:
    """Changes a file of the project every ten seconds until told to stop: appends, writes, renames, removes."""

    machine: Machine
    directory: str
    stopped: threading.Event
    seed: int
    changes: int = 0

    def run(self) -> None:
        """Change one file after the other."""
        chance = random.Random(self.seed)  # noqa: S311 - nothing secret
        while not self.stopped.wait(CHANGE_EVERY_SECONDS):
            name = f"module_{chance.randrange(12)}.py"
            other = f"module_{chance.randrange(12)}.py"
            function = f"reconcile_{chance.randrange(10**9)}"
            script = chance.choice(
                (
                    f"printf 'def {function}(ledger):\\n    return sorted(ledger)\\n' >> {name}",
                    f"printf 'def {function}(ledger):\\n    return max(ledger)\\n' > {name}.new; mv {name}.new {name}",
                    f"test ! -f {name} || mv {name} {other}",
                    f"rm -f {name}",
                )
            )
            try:
                self.machine.shell(f"cd {self.directory}; {script}")
            except RuntimeError:
                # The machine is being restarted; nobody works on it meanwhile.
                continue
            self.changes += 1
