"""The HTTP server: the part of Ollama's API that concerns embeddings.

Inference never runs on the event loop. Each text is one task for a pool of threads, one thread a core, and a request keeps only a few
of its texts in the pool's queue: requests advance side by side. Single texts, which is what a query is, have a pool of their own: they
wait for no batch, and the operating system gives them their share of the processor at once.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from cocosearch import __version__
from cocosearch.embedder import payloads
from cocosearch.embedder.admission import Admission, BodyTooLargeError, BusyError
from cocosearch.embedder.inference import Embedder, InputTooLongError
from cocosearch.embedder.payloads import EmbedRequest, Json, RequestError
from cocosearch.process.listening import address_of, is_loopback
from cocosearch.process.sdnotify import Watchdog

VERSION = f"{__version__}-embedded"
CLIENT_GONE = 499
PROOF_SECONDS = 5.0
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A vector as the JSON text of the answer, and the tokens it took."""

    text: str
    tokens: int


@dataclass(slots=True)
class EmbeddingServer:
    """The endpoints around one loaded model."""

    embedder: Embedder
    threads: int
    admission: Admission = field(default_factory=Admission)
    batches: ThreadPoolExecutor = field(init=False)
    singles: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self.batches = ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="batch")
        self.singles = ThreadPoolExecutor(max_workers=self.threads, thread_name_prefix="single")

    def application(self, *, local_only: bool) -> Starlette:
        """Return the ASGI application; `local_only` turns web pages away (see `LocalOnly`)."""
        read = ["GET", "HEAD"]
        routes = [
            Route("/", self.root, methods=read),
            Route("/api/version", self.version, methods=read),
            Route("/api/tags", self.tags, methods=read),
            Route("/api/ps", self.running, methods=["GET"]),
            Route("/api/show", self.show, methods=["POST"]),
            Route("/api/pull", self.pull, methods=["POST"]),
            Route("/api/embed", self.embed, methods=["POST"]),
        ]
        middleware = [Middleware(LocalOnly)] if local_only else []
        return Starlette(routes=routes, middleware=middleware, lifespan=self._lifespan, exception_handlers=ERROR_HANDLERS)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        proof = asyncio.create_task(self._prove_life())
        yield
        proof.cancel()
        for pool in (self.singles, self.batches):
            pool.shutdown(wait=True, cancel_futures=True)

    async def _prove_life(self) -> None:
        """Feed the service manager's watchdog as long as this loop runs and texts become vectors, where queries do."""
        loop, watchdog = asyncio.get_running_loop(), Watchdog()
        while True:
            await loop.run_in_executor(self.singles, self.embedder.embed, "alive")
            watchdog.feed()
            await asyncio.sleep(PROOF_SECONDS)

    async def root(self, _request: Request) -> Response:
        """Say what this is, and that it is not Ollama."""
        return PlainTextResponse("CocoSearch's embedded embedding server is running (it speaks a part of Ollama's API)\n")

    async def version(self, _request: Request) -> Response:
        """Answer `/api/version`."""
        return JSONResponse({"version": VERSION})

    async def tags(self, _request: Request) -> Response:
        """Answer `/api/tags`."""
        return JSONResponse(payloads.tags(self.embedder.facts))

    async def running(self, _request: Request) -> Response:
        """Answer `/api/ps`."""
        return JSONResponse(payloads.running(self.embedder.facts))

    async def show(self, request: Request) -> Response:
        """Answer `/api/show`."""
        name = payloads.model_name(await self._read_object(request))
        if not name:
            raise RequestError(400, "model is required")
        if not payloads.is_served(name):
            raise RequestError(404, f"model '{name}' not found")
        return JSONResponse(payloads.show(self.embedder.facts))

    async def pull(self, request: Request) -> Response:
        """Answer `/api/pull`: the one model is here already, and no other can be had."""
        wanted = await self._read_object(request)
        stream = payloads.optional(wanted, "stream", bool, default=True)
        name = payloads.model_name(wanted)
        if not name:
            raise RequestError(400, "invalid model name")
        steps: list[Json] = [{"status": "pulling manifest"}]
        if payloads.is_served(name):
            steps += [{"status": "verifying sha256 digest"}, {"status": "success"}]
        else:
            message = f"pull model manifest: file does not exist: {name} (the embedded embedding server has {payloads.MODEL} alone)"
            steps.append({"error": message})
        if stream:  # Ollama has sent its status 200 before it knows
            return Response("".join(f"{json.dumps(step)}\n" for step in steps), media_type="application/x-ndjson")
        return JSONResponse(steps[-1], status_code=500 if "error" in steps[-1] else 200)

    async def _read_object(self, request: Request) -> Json:
        with self.admission.enter() as ticket:
            return payloads.parse_object(await ticket.read(request.stream()))

    async def embed(self, request: Request) -> Response:
        """Answer `/api/embed`."""
        started = time.perf_counter_ns()
        with self.admission.enter() as ticket:
            wanted = payloads.parse_embed(await ticket.read(request.stream()))
            read = time.perf_counter_ns()
            if not wanted.texts:
                return JSONResponse({"model": wanted.model, "embeddings": []})
            vectors = await unless_gone(request, self._embed_all(wanted))
        if vectors is None:
            raise ClientDisconnect
        facts = {
            "model": wanted.model,
            "total_duration": time.perf_counter_ns() - started,
            "load_duration": read - started,  # the model is always loaded: what came before the first inference
            "prompt_eval_count": sum(vector.tokens for vector in vectors),
        }
        embeddings = ",".join(vector.text for vector in vectors)
        return Response(f'{json.dumps(facts)[:-1]}, "embeddings": [{embeddings}]}}', media_type="application/json")

    async def _embed_all(self, wanted: EmbedRequest) -> list[Rendered]:
        loop = asyncio.get_running_loop()
        pool = self.singles if len(wanted.texts) == 1 else self.batches
        results: dict[int, Rendered] = {}
        texts = iter(enumerate(wanted.texts))

        def work(text: str) -> Rendered:
            embedded = self.embedder.embed(text, truncate=wanted.truncate, dimensions=wanted.dimensions)
            return Rendered(text=json.dumps([round(number, 8) for number in embedded.vector.tolist()]), tokens=embedded.tokens)

        async def advance(texts: Iterator[tuple[int, str]]) -> None:
            for index, text in texts:
                results[index] = await loop.run_in_executor(pool, work, text)

        too_long = False
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.threads + 1, len(wanted.texts))):  # one more than cores, so that none waits for this loop
                    group.create_task(advance(texts))
        except* InputTooLongError:
            too_long = True
        if too_long:
            raise RequestError(400, payloads.TOO_LONG)
        return [results[index] for index in range(len(wanted.texts))]


async def unless_gone(request: Request, work: Awaitable[Result]) -> Result | None:
    """Do `work`, but drop it and return None when the client hangs up first."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        gone.cancel()


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def answer_request_error(_request: Request, error: Exception) -> Response:
    """Answer with the status and the sentence that the error carries."""
    status = error.status if isinstance(error, RequestError) else 500
    return JSONResponse({"error": str(error)}, status_code=status)


async def answer_failure(_request: Request, error: Exception) -> Response:
    """Answer a fault of our own, whose traceback goes to the log."""
    return JSONResponse({"error": f"the embedded embedding server failed: {type(error).__name__}, see its log"}, status_code=500)


async def answer_client_gone(_request: Request, _error: Exception) -> Response:
    """End a request whose client hung up; nobody reads this."""
    return JSONResponse({"error": "request canceled"}, status_code=CLIENT_GONE)


async def answer_busy(_request: Request, _error: Exception) -> Response:
    """Answer as Ollama does when its queue is full."""
    return JSONResponse({"error": payloads.BUSY}, status_code=503)


async def answer_too_large(_request: Request, _error: Exception) -> Response:
    """Answer a body beyond the bound; the rest of it is not read, so the connection closes."""
    message = "the request body is too large: send fewer or shorter texts at once"
    return JSONResponse({"error": message}, status_code=413, headers={"Connection": "close"})


ERROR_HANDLERS: dict[object, Callable[[Request, Exception], Awaitable[Response]]] = {
    RequestError: answer_request_error,
    ClientDisconnect: answer_client_gone,
    Exception: answer_failure,
    BusyError: answer_busy,
    BodyTooLargeError: answer_too_large,
}


@dataclass(frozen=True, slots=True)
class LocalOnly:
    """Turns away what a web page in a browser on this machine could send to a server on loopback.

    A page that rebinds its own name to 127.0.0.1 sends that name as Host; a page of another site sends its Origin.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in {b"host", b"origin"}}
        origin = headers.get(b"origin", "")
        if is_local(headers.get(b"host", "")) and (not origin or is_local(origin.partition("://")[2])):
            await self.app(scope, receive, send)
            return
        refusal = JSONResponse({"error": "this server answers programs on its own machine: Host and Origin must name it"}, status_code=403)
        await refusal(scope, receive, send)


def is_local(host: str) -> bool:
    """Say whether `host`, with or without a port, is localhost or an address (which nobody can rebind)."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name) or address_of(name) is not None
