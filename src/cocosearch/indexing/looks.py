"""How often the files of projects may be looked at."""

import time
from dataclasses import dataclass

# Looking at large trees, or at many, costs processor time: a tenth of a core's at most.
PAUSE_PER_LOOK = 9.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look, from its beginning; its thread does nothing else meanwhile."""

    began: float
    processor_began: float

    @classmethod
    def begin(cls) -> "Look":
        """A look that begins now."""
        return cls(time.monotonic(), _processor_seconds())

    def processor(self) -> float:
        """Processor time that it has taken so far."""
        return _processor_seconds() - self.processor_began

    def elapsed(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def pause(self, refresh_seconds: float, processor: float) -> float:
        """Seconds until the next one, now that this one has ended; `processor` is what all looks of one round take."""
        return pause_after_look(refresh_seconds, self.elapsed(), processor)


def pause_after_look(refresh_seconds: float, elapsed: float, processor: float) -> float:
    """Seconds until a project is looked at again; a look that only waited for a busy machine or disk costs no more than its length."""
    return max(refresh_seconds, elapsed, PAUSE_PER_LOOK * processor)


def _processor_seconds() -> float:
    """Processor time of this thread: a look starts no program."""
    return time.thread_time()
