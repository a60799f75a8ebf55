"""When the model last made a vector, in this process: the proof that it works.

A list of models is none: it holds those that cannot be loaded too.
"""

import math
import time

from cocosearch.embedding.names import canonical_name
from cocosearch.settings import Settings

_made_at: dict[tuple[str, str], float] = {}


def vector_made(settings: Settings) -> None:
    """The model has just made a vector."""
    _made_at[_key(settings)] = time.monotonic()


def vector_failed(settings: Settings) -> None:
    """The model has just made none: what it made before proves nothing any more."""
    _made_at[_key(settings)] = -math.inf


def seconds_since_vector(settings: Settings) -> float | None:
    """Age of the last vector; infinite where an attempt failed since, None where nobody has tried yet."""
    made_at = _made_at.get(_key(settings))
    return None if made_at is None else time.monotonic() - made_at


def _key(settings: Settings) -> tuple[str, str]:
    return settings.ollama_url.rstrip("/"), canonical_name(settings.model)
