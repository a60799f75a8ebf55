"""Having Ollama pull a model: it may take hours, breaks off and goes on, or cannot work at all."""

import time
from collections.abc import Callable

import httpx

from cocosearch.embedding.protocol import RequestError, pull_event, request_error
from cocosearch.errors import EmbeddingUnavailableError, NoSuchModelError, NoVectors

PULL_ATTEMPTS = 6
PULL_FIRST_BACKOFF_SECONDS = 2.0


def pull_model(http: httpx.Client, model: str, timeout_seconds: float, report: Callable[[str], None]) -> None:
    """Pull a model, in several attempts; the server keeps what a broken one has loaded, so that each continues it.

    Args:
        http: client of the server.
        model: its name, as the server takes it.
        timeout_seconds: longest silence of the server.
        report: is told each step, and each failure with what comes next.

    Raises:
        NoSuchModelError: no attempt can work.
        EmbeddingUnavailableError: none worked.
    """
    for attempt in range(1, PULL_ATTEMPTS + 1):
        try:
            _pull(http, model, timeout_seconds, report)
        except (httpx.HTTPError, RequestError) as error:
            if isinstance(error, RequestError) and error.final:
                raise NoSuchModelError(
                    f"Ollama cannot have the model '{model}': {error}. Check the name in COCOSEARCH_MODEL, "
                    "and that the registry can be used from this host without signing in."
                ) from error
            if attempt == PULL_ATTEMPTS:
                raise EmbeddingUnavailableError(
                    f"Ollama could not pull the model '{model}' in {PULL_ATTEMPTS} attempts: {error}. "
                    "Check its network, or copy the model into its model directory on a host without one.",
                    NoVectors.MODEL_MISSING,
                ) from error
            pause = PULL_FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
            report(f"Pull attempt {attempt} of {PULL_ATTEMPTS} failed: {error}. Next one in {pause:.0f} s.")
            time.sleep(pause)
        else:
            return


def _pull(http: httpx.Client, model: str, timeout_seconds: float, report: Callable[[str], None]) -> None:
    last = ""
    timeout = httpx.Timeout(timeout_seconds, connect=http.timeout.connect)
    with http.stream("POST", "/api/pull", json={"model": model}, timeout=timeout) as response:
        if response.is_error:
            response.read()
            raise request_error(response)
        for line in response.iter_lines():
            event = pull_event(line, response.status_code)
            if "error" in event:
                raise RequestError(response.status_code, str(event["error"]))
            status = str(event.get("status", ""))
            if status and status != last:
                report(f"Pulling {model}: {status}")
            last = status
    if last != "success":
        raise RequestError(response.status_code, f"the pull ended with '{last}'")
