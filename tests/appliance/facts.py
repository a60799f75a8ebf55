"""What the tests know about an appliance, and how they wait."""

import os
import time
from collections.abc import Callable

PORT = 8080
OLLAMA_PORT = 11434
CREDENTIAL = "/var/lib/cocosearch/credentials/token"
PROJECTS = os.environ.get("APPLIANCE_PROJECTS", "/srv/projects")


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return when `condition` holds.

    Raises:
        TimeoutError: it did not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:.0f} s for {what}.")
        time.sleep(0.3)
