"""The one module that speaks to Ollama (or to the embedded embedding server, which speaks the same protocol)."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from cocosearch.embedding.known_queries import KnownQueries
from cocosearch.embedding.names import canonical_name, short_name
from cocosearch.embedding.outage import Outage
from cocosearch.embedding.prompts import MAX_DIMENSIONS, family_of, prompts_for
from cocosearch.embedding.proof import vector_failed, vector_made
from cocosearch.embedding.protocol import (
    HTTP_NOT_FOUND,
    HTTP_SERVER_ERROR,
    HTTP_UNAVAILABLE,
    RequestError,
    context_tokens_of,
    embeddings_of,
    request_error,
    unit,
)
from cocosearch.embedding.pull import pull_model
from cocosearch.embedding.types import Model, Refusal, Vector
from cocosearch.errors import EmbeddingUnavailableError, NoSuchModelError, NoVectors
from cocosearch.process.units import look_or_check
from cocosearch.settings import Settings
from cocosearch.urls import without_password

CONNECT_TIMEOUT_SECONDS = 5.0
STATUS_TIMEOUT_SECONDS = 5.0
# One request is retried over about six seconds: long enough for a restart of the server, short enough for a reader.
RETRIES = 5
FIRST_BACKOFF_SECONDS = 0.2
# Within a batch that was refused once, a text is tried once more; five times each would take minutes to find one that crashes the model.
RETRIES_OF_A_PART = 1
# A text counts as refused when it failed so often again, each time after the server had embedded another one.
DOUBTS = 3
# A query is tried again where the runner died under it, as long as a reader waits anyway.
QUERY_RETRIES = 3
# A first start may wait much longer, and says so.
SERVER_WAIT_SECONDS = 120.0
SERVER_POLL_SECONDS = 0.25
# Any text does: it tells a text that the model refuses from a server that refuses all.
PROBE_TEXT = "def main(): pass"


class OllamaClient:
    """Blocking and safe for threads. Options are never sent: a difference between two requests would reload the model."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.ollama_url.rstrip("/")
        self._shown_url = without_password(self._url)
        self._model = settings.model
        self._prompts = prompts_for(settings)
        self._family = family_of(settings.model)
        self._embed_timeout = settings.embed_timeout_seconds
        self._query_timeout = settings.query_timeout_seconds
        self._settings = settings
        self._outage = Outage(lambda: _probe_apart(settings))
        self._known = KnownQueries()
        # trust_env: code must not travel through a proxy that the environment names for the internet.
        self._http = httpx.Client(
            base_url=self._url, timeout=httpx.Timeout(STATUS_TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS), trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._outage.close()
        self._http.close()

    @property
    def model(self) -> str:
        """Name of the configured model, in the one form that all its spellings have."""
        return short_name(self._model)

    @property
    def prompt_version(self) -> int:
        """Of what stands in front of a document; part of the key of every vector."""
        return self._prompts.version

    def version(self) -> str:
        """The server's version.

        Raises:
            EmbeddingUnavailableError: no server, or not an Ollama.
        """
        return str(self._get("/api/version").get("version", ""))

    def model_digest(self) -> str | None:
        """Digest of the configured model, or None where the server does not have it."""
        wanted = canonical_name(self._model)
        for entry in self._get("/api/tags").get("models") or []:
            if wanted == canonical_name(str(entry.get("model") or entry.get("name"))):
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
        except RequestError as error:
            raise self._failed(error) from None
        dimensions = len(self._probe())
        if dimensions > MAX_DIMENSIONS:
            raise self._too_many_dimensions(dimensions)
        return Model(self.model, digest, dimensions, context_tokens_of(shown), self.prompt_version)

    def context_tokens(self) -> int | None:
        """Tokens that the configured model reads, as far as the server can say without loading it; None from a server that is away."""
        try:
            return context_tokens_of(self._once("POST", "/api/show", {"model": self._model}, STATUS_TIMEOUT_SECONDS))
        except (httpx.HTTPError, RequestError):
            return None

    def query_vector(self, text: str) -> tuple[str, Vector]:
        """Digest of the model and its unit vector of a query; who asks while the server is known to be away does not wait for it.

        Raises:
            EmbeddingUnavailableError: no vector within the query's time limit, or none for the query before; the server is tried again in
                the background.
        """
        self._outage.check()
        try:
            digest = self.require_model_digest()
            return digest, self.embed_query(text, digest)
        except EmbeddingUnavailableError as error:
            self.known_away(error)
            raise

    def known_away(self, reason: EmbeddingUnavailableError) -> None:
        """The server gives no vectors, whoever saw it: queries do not wait for it until it gives them again, which is tried by itself."""
        vector_failed(self._settings)
        self._outage.begin(reason)

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
        vector = self._known.get(digest, text)
        if vector is None:
            vector = self._embed_query(text)
            self._known.keep(digest, text, vector)
        return vector

    def _embed_query(self, text: str) -> Vector:
        body = self._body([self._prompts.query + text], truncate=True)
        deadline = time.monotonic() + self._query_timeout
        for attempt in range(QUERY_RETRIES + 1):
            pause = FIRST_BACKOFF_SECONDS * 2**attempt
            left = deadline - time.monotonic()
            try:
                answer = self._once("POST", "/api/embed", body, left)
                vector = unit(embeddings_of(answer, 1)[0])
            except RequestError as error:
                if error.status == HTTP_NOT_FOUND:
                    raise self._model_missing() from None
                busy = error.status == HTTP_UNAVAILABLE  # and no less so a moment later
                if busy or not error.of_the_server or attempt == QUERY_RETRIES or left < 2 * pause:
                    raise self._failed(error) from None
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            else:
                vector_made(self._settings)
                return vector
            time.sleep(pause)
        raise AssertionError("unreachable")

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
        except RequestError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                halves = (texts[:middle], texts[middle:])
                return [answer for half in halves for answer in self._embed_or_bisect(half, RETRIES_OF_A_PART)]
            if error.too_long:
                return [Refusal.TOO_LONG]
        return [self._embed_or_refuse(texts[0])]

    def _embed_or_refuse(self, text: str) -> Vector | Refusal:
        """A text that failed: the runner may have died of something else, so that only failures between good probes tell against it."""
        for _ in range(DOUBTS):
            self._probe()
            try:
                return self._embed([text], RETRIES_OF_A_PART)[0]
            except RequestError as error:
                if error.too_long:
                    return Refusal.TOO_LONG
        self._probe()
        return Refusal.POISON

    def _probe(self) -> Vector:
        """The vector of a harmless text: a server that refuses this refuses all."""
        try:
            return self._embed([PROBE_TEXT], RETRIES)[0]
        except RequestError as error:
            raise self._failed(error) from None

    def _embed(self, texts: Sequence[str], refusal_retries: int) -> list[Vector]:
        answer = self._retrying("POST", "/api/embed", self._body(texts, truncate=False), self._embed_timeout, refusal_retries)
        vectors = [unit(vector) for vector in embeddings_of(answer, len(texts))]
        vector_made(self._settings)
        return vectors

    def _body(self, texts: Sequence[str], *, truncate: bool) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, "input": list(texts), "truncate": truncate, "keep_alive": -1}
        # Where a vector's beginning is a vector too, the server gives no more than an index takes; a shorter one stays as it is.
        return body | {"dimensions": MAX_DIMENSIONS} if self._family and self._family.matryoshka else body

    def ensure_model(self, report: Callable[[str], None]) -> Model:
        """Wait for the server, pull the model if it is missing, load it; no network if the server has it.

        Raises:
            EmbeddingUnavailableError: the server did not come up within two minutes, or the pull failed for good.
        """
        self._wait_for_server()
        if self.model_digest() is None:
            if self._family and self._family.dimensions:
                raise self._too_many_dimensions(self._family.dimensions)
            pull_model(self._http, self._model, self._embed_timeout, report)
        try:
            self._retrying("POST", "/api/embed", self._body([], truncate=False), self._embed_timeout)
        except RequestError as error:
            raise self._failed(error) from None
        return self.describe_model()

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + SERVER_WAIT_SECONDS
        while True:
            try:
                self._once("GET", "/api/version", None, STATUS_TIMEOUT_SECONDS)
            except (httpx.HTTPError, RequestError) as error:
                if time.monotonic() > deadline:
                    raise self._unreachable(error) from error
                time.sleep(SERVER_POLL_SECONDS)
            else:
                return

    def _get(self, path: str) -> dict[str, Any]:
        try:
            return self._once("GET", path, None, STATUS_TIMEOUT_SECONDS)
        except (httpx.HTTPError, RequestError) as error:
            raise self._unreachable(error) from error

    def _retrying(self, method: str, path: str, body: dict[str, Any], timeout: float, refusal_retries: int = RETRIES) -> dict[str, Any]:
        """One request, again where the server restarts (no connection), is full (503) or its runner died (500: `refusal_retries`)."""
        for attempt in range(RETRIES + 1):
            try:
                return self._once(method, path, body, timeout)
            except httpx.HTTPError as error:
                if attempt == RETRIES:
                    raise self._unreachable(error) from error
            except RequestError as error:
                if error.status == HTTP_NOT_FOUND:
                    raise self._model_missing() from None
                if error.status == HTTP_UNAVAILABLE:
                    if attempt == RETRIES:
                        raise self._failed(error) from None
                elif not error.of_the_server or attempt >= refusal_retries:
                    raise
            time.sleep(FIRST_BACKOFF_SECONDS * 2**attempt)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> dict[str, Any]:
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT_SECONDS))
        response = self._http.request(method, path, json=body, timeout=limits)
        if response.is_error:
            raise request_error(response)
        try:
            answer = response.json()
        except ValueError:
            raise RequestError(HTTP_SERVER_ERROR, "the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise RequestError(HTTP_SERVER_ERROR, "the answer is not a JSON object")
        return answer

    def _unreachable(self, error: Exception) -> EmbeddingUnavailableError:
        reason = str(error) or type(error).__name__
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} cannot be used: {reason}. {look_or_check('ollama', 'COCOSEARCH_OLLAMA_URL')}",
            NoVectors.SERVER_AWAY,
        )

    def _failed(self, error: RequestError) -> EmbeddingUnavailableError:
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} answered {error.status} for the model '{self._model}': {error.message}.",
            NoVectors.SERVER_FAILED,
        )

    def _too_many_dimensions(self, dimensions: int) -> NoSuchModelError:
        return NoSuchModelError(
            f"The model '{self._model}' makes vectors of {dimensions} numbers, and an index takes {MAX_DIMENSIONS} at most: "
            "choose another one for COCOSEARCH_MODEL."
        )

    def _model_missing(self) -> EmbeddingUnavailableError:
        return EmbeddingUnavailableError(
            f"Ollama at {self._shown_url} does not have the model '{self._model}'. "
            "Run `cocosearch model ensure`, or check COCOSEARCH_MODEL.",
            NoVectors.MODEL_MISSING,
        )


def _probe_apart(settings: Settings) -> None:
    """Have a query embedded over connections of its own: those of the client may be closed meanwhile."""
    with OllamaClient(settings) as client:
        client.require_model_digest()
        client.embed_query(PROBE_TEXT)
