"""What Ollama's answers say, and what its errors mean."""

import json
import math
import re
from typing import Any

import httpx

HTTP_BAD_REQUEST, HTTP_NOT_FOUND, HTTP_TOO_MANY, HTTP_SERVER_ERROR, HTTP_UNAVAILABLE = 400, 404, 429, 500, 503
DEFAULT_CONTEXT_TOKENS = 512
_FINAL_PULL_ERROR = re.compile(r"file does not exist|invalid model name|unauthorized|manifest: (?!408|429)4\d\d\b")


class RequestError(Exception):
    """An HTTP error answer: status and Ollama's sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def too_long(self) -> bool:
        """Whether a text was longer than the model's window."""
        return self.status == HTTP_BAD_REQUEST and "exceeds the context length" in self.message

    @property
    def of_the_server(self) -> bool:
        """Whether the server is in trouble, and may have got over it when it is asked again.

        Ollama answers 400 to whatever happens to its runner, too: `do embedding request: Post …: EOF` where that died (server/routes.go).
        """
        return self.status >= HTTP_SERVER_ERROR or self.status == HTTP_TOO_MANY or (self.status == HTTP_BAD_REQUEST and not self.too_long)

    @property
    def final(self) -> bool:
        """Of a pull: whether asking again cannot help (server/images.go; a registry's status stands in the sentence)."""
        return _FINAL_PULL_ERROR.search(self.message) is not None


def request_error(response: httpx.Response) -> RequestError:
    """The error of an answer that is one."""
    try:
        message = str(response.json().get("error", response.reason_phrase))
    except (ValueError, AttributeError):
        message = response.reason_phrase
    return RequestError(response.status_code, message)


def pull_event(line: str, status: int) -> dict[str, Any]:
    """One line of the answer to a pull.

    Raises:
        RequestError: it is not what Ollama sends.
    """
    try:
        event = json.loads(line) if line.strip() else {}
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise RequestError(status, "the answer to the pull is not what Ollama sends")
    return event


def context_tokens_of(shown: dict[str, Any]) -> int:
    """Tokens that the server reads of a text: the model's window, or the smaller one that its Modelfile sets."""
    info = shown.get("model_info") or {}
    window = next(
        (value for key, value in info.items() if key.endswith(".context_length") and isinstance(value, int)), DEFAULT_CONTEXT_TOKENS
    )
    configured = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters") or ""), re.MULTILINE)
    return min(window, int(configured[1])) if configured else window


def embeddings_of(answer: dict[str, Any], expected: int) -> list[list[float]]:
    """The vectors of an answer.

    Raises:
        RequestError: they are not as many as were asked for.
    """
    vectors = answer.get("embeddings")
    if not isinstance(vectors, list) or len(vectors) != expected or not all(isinstance(vector, list) for vector in vectors):
        raise RequestError(HTTP_SERVER_ERROR, f"{expected} vectors were asked for, the answer holds something else")
    return vectors


def unit(vector: list[float]) -> list[float]:
    """The vector at length one; Ollama sends it so, other servers of the protocol may not.

    Raises:
        RequestError: it has no direction.
    """
    try:
        length = math.hypot(*vector)
    except TypeError:
        raise RequestError(HTTP_SERVER_ERROR, "the model made a vector of something else than numbers") from None
    if not math.isfinite(length) or length == 0.0:
        raise RequestError(HTTP_SERVER_ERROR, "the model made a vector without a direction")
    return [value / length for value in vector]
