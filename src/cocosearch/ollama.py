"""The one module that speaks to Ollama (or to the embedded embedding server, which speaks the same protocol)."""

import json
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self, TypeAlias

import httpx

from cocosearch.errors import EmbeddingUnavailableError
from cocosearch.prompts import PROMPT_VERSION, prompts_for
from cocosearch.settings import Settings
from cocosearch.urls import without_password

CONNECT_TIMEOUT_SECONDS = 5.0
STATUS_TIMEOUT_SECONDS = 5.0
# One request is retried over about six seconds: long enough for a restart of the server, short enough for a reader.
RETRIES = 5
FIRST_BACKOFF_SECONDS = 0.2
# Within a batch that was refused once, a text is tried once more; five times each would take minutes to find one that crashes the model.
RETRIES_OF_A_PART = 1
# A pull or a first start may wait much longer, and says so.
PULL_ATTEMPTS = 6
PULL_FIRST_BACKOFF_SECONDS = 2.0
SERVER_WAIT_SECONDS = 120.0
SERVER_POLL_SECONDS = 0.25
DEFAULT_CONTEXT_TOKENS = 512
# Vectors of queries that are kept, those asked for last: at 1,024 dimensions less than 10 MB.
KNOWN_QUERIES = 256
# Any text does: it tells a text that the model refuses from a server that refuses all.
PROBE_TEXT = "def main(): pass"
HTTP_BAD_REQUEST, HTTP_NOT_FOUND, HTTP_SERVER_ERROR, HTTP_UNAVAILABLE = 400, 404, 500, 503

Vector: TypeAlias = list[float]


class Refusal(StrEnum):
    """Why one text has no vector; the others of its batch do."""

    TOO_LONG = "too long"
    POISON = "refused by the model"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the server has it; `prompt_version` joins the digest in every key, so that spaces are never mixed."""

    name: str
    digest: str
    dimensions: int
    context_tokens: int
    prompt_version: int = PROMPT_VERSION


class _RequestError(Exception):
    """An HTTP error answer: status and Ollama's sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message

    @property
    def too_long(self) -> bool:
        return self.status == HTTP_BAD_REQUEST and "exceeds the context length" in self.message


class OllamaClient:
    """Blocking and safe for threads. Options are never sent: a difference between two requests would reload the model."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.ollama_url.rstrip("/")
        self._shown_url = without_password(self._url)
        self._model = settings.model
        self._prompts = prompts_for(settings.model)
        self._embed_timeout = settings.embed_timeout_seconds
        self._query_timeout = settings.query_timeout_seconds
        self._queries: OrderedDict[tuple[str, int, str], Vector] = OrderedDict()
        self._queries_lock = threading.Lock()
        # trust_env: code must not travel through a proxy that the environment names for the internet.
        self._http = httpx.Client(
            base_url=self._url, timeout=httpx.Timeout(STATUS_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS), trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    @property
    def model(self) -> str:
        """Name of the configured model."""
        return self._model

    def version(self) -> str:
        """The server's version.

        Raises:
            EmbeddingUnavailableError: no server, or not an Ollama.
        """
        return str(self._get("/api/version").get("version", ""))

    def model_digest(self) -> str | None:
        """Digest of the configured model, or None where the server does not have it."""
        wanted = self._model if ":" in self._model.rsplit("/", 1)[-1] else f"{self._model}:latest"
        for entry in self._get("/api/tags").get("models") or []:
            if wanted in (entry.get("name"), entry.get("model")):
                return str(entry.get("digest", ""))
        return None

    def require_model_digest(self) -> str:
        """Digest of the configured model.

        Raises:
            EmbeddingUnavailableError: the server or the model is missing.
        """
        digest = self.model_digest()
        if digest is None:
            raise self._model_missing()
        return digest

    def describe_model(self) -> Model:
        """The configured model, with dimensions taken from a vector that it made.

        Raises:
            EmbeddingUnavailableError: the server or the model is missing.
        """
        digest = self.require_model_digest()
        try:
            shown = self._retrying("POST", "/api/show", {"model": self._model}, STATUS_TIMEOUT_SECONDS)
        except _RequestError as error:
            raise self._failed(error) from None
        return Model(self._model, digest, dimensions=len(self._probe()), context_tokens=_context_tokens(shown))

    def context_tokens(self) -> int | None:
        """Tokens that the configured model reads, as far as the server can say without loading it; None from a server that is away."""
        try:
            return _context_tokens(self._once("POST", "/api/show", {"model": self._model}, STATUS_TIMEOUT_SECONDS))
        except (httpx.HTTPError, _RequestError):
            return None

    def embed_query(self, text: str, digest: str | None = None) -> Vector:
        """Unit vector of a query. A query beyond the window is cut by the server: its beginning is what was asked.

        Args:
            text: what was asked.
            digest: the model's, as `require_model_digest` has just said; with it, a query that this model embedded lately is not sent.

        Raises:
            EmbeddingUnavailableError: no vector within the query's time limit.
        """
        if digest is None:
            return self._embed_query(text)
        key = (digest, PROMPT_VERSION, text)
        with self._queries_lock:
            if key in self._queries:
                self._queries.move_to_end(key)
                return self._queries[key]
        vector = self._embed_query(text)
        with self._queries_lock:
            self._queries[key] = vector
            while len(self._queries) > KNOWN_QUERIES:
                self._queries.popitem(last=False)
        return vector

    def _embed_query(self, text: str) -> Vector:
        body = self._body([self._prompts.query + text], truncate=True)
        try:
            answer = self._once("POST", "/api/embed", body, self._query_timeout)
            return _unit(_embeddings(answer, 1)[0])
        except _RequestError as error:
            raise (self._model_missing() if error.status == HTTP_NOT_FOUND else self._failed(error)) from None
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | Refusal]:
        """Unit vectors of a batch, in its order; a text that cannot be embedded is named by a refusal and costs no other its vector.

        Raises:
            EmbeddingUnavailableError: the server or the model is missing, or it refuses every text.
        """
        if not texts:
            return []
        prompted = [self._prompts.document + text for text in texts]
        return self._embed_or_bisect(prompted)

    def _embed_or_bisect(self, texts: Sequence[str], refusal_retries: int = RETRIES) -> list[Vector | Refusal]:
        try:
            return [*self._embed(texts, refusal_retries)]
        except _RequestError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                halves = (texts[:middle], texts[middle:])
                return [answer for half in halves for answer in self._embed_or_bisect(half, RETRIES_OF_A_PART)]
            if error.too_long:
                return [Refusal.TOO_LONG]
        self._probe()
        return [Refusal.POISON]

    def _probe(self) -> Vector:
        """The vector of a harmless text: a server that refuses this refuses all."""
        try:
            return self._embed([PROBE_TEXT], RETRIES)[0]
        except _RequestError as error:
            raise self._failed(error) from None

    def _embed(self, texts: Sequence[str], refusal_retries: int) -> list[Vector]:
        answer = self._retrying("POST", "/api/embed", self._body(texts, truncate=False), self._embed_timeout, refusal_retries)
        return [_unit(vector) for vector in _embeddings(answer, len(texts))]

    def _body(self, texts: Sequence[str], *, truncate: bool) -> dict[str, Any]:
        return {"model": self._model, "input": list(texts), "truncate": truncate, "keep_alive": -1}

    def ensure_model(self, report: Callable[[str], None]) -> Model:
        """Wait for the server, pull the model if it is missing, load it; no network if the server has it.

        Raises:
            EmbeddingUnavailableError: the server did not come up within two minutes, or the pull failed for good.
        """
        self._wait_for_server()
        if self.model_digest() is None:
            self._pull_with_retries(report)
        try:
            self._retrying("POST", "/api/embed", self._body([], truncate=False), self._embed_timeout)
        except _RequestError as error:
            raise self._failed(error) from None
        return self.describe_model()

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + SERVER_WAIT_SECONDS
        while True:
            try:
                self._once("GET", "/api/version", None, STATUS_TIMEOUT_SECONDS)
            except (httpx.HTTPError, _RequestError) as error:
                if time.monotonic() > deadline:
                    raise self._unreachable(error) from error
                time.sleep(SERVER_POLL_SECONDS)
            else:
                return

    def _pull_with_retries(self, report: Callable[[str], None]) -> None:
        """The server keeps what a broken pull has loaded, so that each attempt continues it."""
        for attempt in range(1, PULL_ATTEMPTS + 1):
            try:
                self._pull(report)
            except (httpx.HTTPError, _RequestError) as error:
                if attempt == PULL_ATTEMPTS:
                    raise EmbeddingUnavailableError(
                        f"Ollama could not pull the model '{self._model}' in {PULL_ATTEMPTS} attempts: {error}. "
                        "Check its network, or copy the model into its model directory on a host without one."
                    ) from error
                pause = PULL_FIRST_BACKOFF_SECONDS * 2 ** (attempt - 1)
                report(f"Pull attempt {attempt} of {PULL_ATTEMPTS} failed: {error}. Next one in {pause:.0f} s.")
                time.sleep(pause)
            else:
                return

    def _pull(self, report: Callable[[str], None]) -> None:
        last = ""
        timeout = httpx.Timeout(self._embed_timeout, connect=CONNECT_TIMEOUT_SECONDS)
        with self._http.stream("POST", "/api/pull", json={"model": self._model}, timeout=timeout) as response:
            if response.is_error:
                response.read()
                raise _request_error(response)
            for line in response.iter_lines():
                event = _pull_event(line, response.status_code)
                if "error" in event:
                    raise _RequestError(response.status_code, str(event["error"]))
                status = str(event.get("status", ""))
                if status and status != last:
                    report(f"Pulling {self._model}: {status}")
                last = status
        if last != "success":
            raise _RequestError(response.status_code, f"the pull ended with '{last}'")

    def _get(self, path: str) -> dict[str, Any]:
        try:
            return self._once("GET", path, None, STATUS_TIMEOUT_SECONDS)
        except (httpx.HTTPError, _RequestError) as error:
            raise self._unreachable(error) from error

    def _retrying(self, method: str, path: str, body: dict[str, Any], timeout: float, refusal_retries: int = RETRIES) -> dict[str, Any]:
        """One request, again where the server restarts (no connection), is full (503) or its runner died (500: `refusal_retries`)."""
        for attempt in range(RETRIES + 1):
            try:
                return self._once(method, path, body, timeout)
            except httpx.HTTPError as error:
                if attempt == RETRIES:
                    raise self._unreachable(error) from error
            except _RequestError as error:
                if error.status == HTTP_NOT_FOUND:
                    raise self._model_missing() from None
                if error.status == HTTP_UNAVAILABLE:
                    if attempt == RETRIES:
                        raise self._failed(error) from None
                elif error.status < HTTP_SERVER_ERROR or attempt >= refusal_retries:
                    raise
            time.sleep(FIRST_BACKOFF_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> dict[str, Any]:
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT_SECONDS))
        response = self._http.request(method, path, json=body, timeout=limits)
        if response.is_error:
            raise _request_error(response)
        try:
            answer = response.json()
        except ValueError:
            raise _RequestError(HTTP_SERVER_ERROR, "the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise _RequestError(HTTP_SERVER_ERROR, "the answer is not a JSON object")
        return answer

    def _unreachable(self, error: Exception) -> EmbeddingUnavailableError:
        reason = str(error) or type(error).__name__
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} cannot be used: {reason}. See `systemctl status ollama` or check COCOSEARCH_OLLAMA_URL."
        )

    def _failed(self, error: _RequestError) -> EmbeddingUnavailableError:
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} answered {error.status} for the model '{self._model}': {error.message}."
        )

    def _model_missing(self) -> EmbeddingUnavailableError:
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} does not have the model '{self._model}'. "
            "Run `cocosearch model ensure`, or check COCOSEARCH_MODEL."
        )


def _request_error(response: httpx.Response) -> _RequestError:
    try:
        message = str(response.json().get("error", response.reason_phrase))
    except (ValueError, AttributeError):
        message = response.reason_phrase
    return _RequestError(response.status_code, message)


def _pull_event(line: str, status: int) -> dict[str, Any]:
    try:
        event = json.loads(line) if line.strip() else {}
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise _RequestError(status, "the answer to the pull is not what Ollama sends")
    return event


def _context_tokens(shown: dict[str, Any]) -> int:
    """Tokens that the server reads of a text: the model's window, or the smaller one that its Modelfile sets."""
    info = shown.get("model_info") or {}
    window = next(
        (value for key, value in info.items() if key.endswith(".context_length") and isinstance(value, int)), DEFAULT_CONTEXT_TOKENS
    )
    configured = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters") or ""), re.MULTILINE)
    return min(window, int(configured[1])) if configured else window


def _embeddings(answer: dict[str, Any], expected: int) -> list[Vector]:
    vectors = answer.get("embeddings")
    if not isinstance(vectors, list) or len(vectors) != expected or not all(isinstance(vector, list) for vector in vectors):
        raise _RequestError(HTTP_SERVER_ERROR, f"{expected} vectors were asked for, the answer holds something else")
    return vectors


def _unit(vector: Vector) -> Vector:
    """The vector at length one; Ollama sends it so, other servers of the protocol may not."""
    try:
        length = math.hypot(*vector)
    except TypeError:
        raise _RequestError(HTTP_SERVER_ERROR, "the model made a vector of something else than numbers") from None
    if not math.isfinite(length) or length == 0.0:
        raise _RequestError(HTTP_SERVER_ERROR, "the model made a vector without a direction")
    return [value / length for value in vector]
