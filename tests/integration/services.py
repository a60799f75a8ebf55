"""Real services that integration tests start: processes that are waited for, and that end with the test session."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx
import psycopg
from psycopg import sql
from tests.ports import free_port

REPOSITORY = Path(__file__).resolve().parents[2]
POSTGRES_DEADLINE_SECONDS = 600.0  # the first start builds an image
EMBEDDER_DEADLINE_SECONDS = 180.0  # the first start builds the model's graph


@contextmanager
def running(command: list[str], ready: Callable[[], bool], deadline_seconds: float, stop: signal.Signals) -> Iterator[None]:
    """Run `command` until the block ends; enter the block once `ready` says so.

    The process has a session of its own, so that Ctrl-C at the terminal reaches only pytest, and gets `stop` when pytest dies.
    """
    parent_death = ["setpriv", f"--pdeathsig={stop.name.removeprefix('SIG')}"]
    with subprocess.Popen([*parent_death, *command], stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            _wait(process, " ".join(command), ready, deadline_seconds)
            yield
        finally:
            if process.poll() is None:
                process.send_signal(stop)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait(process: subprocess.Popen[bytes], name: str, ready: Callable[[], bool], deadline_seconds: float) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"'{name}' ended with {process.returncode} before it was ready; its output stands above.")
        if time.monotonic() > deadline:
            raise TimeoutError(f"'{name}' was not ready within {deadline_seconds:.0f} s.")
        time.sleep(0.05)


@contextmanager
def postgres(small: str = "") -> Iterator[str]:
    """URL of the superuser of a PostgreSQL with pgvector that nothing else uses; `small` as in tools/test-postgres."""
    directory = Path(tempfile.mkdtemp(prefix="cocosearch-postgres-"))
    # The server may be another user, who has to reach its directory; the container's user owns its socket.
    directory.chmod(0o755)
    url = f"postgresql://postgres@/postgres?host={quote(str(directory), safe='')}"

    def ready() -> bool:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        command = [str(REPOSITORY / "tools" / "test-postgres"), str(directory), small]
        with running(command, ready, POSTGRES_DEADLINE_SECONDS, signal.SIGINT):
            yield url
    finally:
        shutil.rmtree(directory)


@contextmanager
def fresh_database(superuser_url: str, tablespace: str = "pg_default") -> Iterator[str]:
    """URL of a new database with the extension `vector`, owned by a role that may do nothing else; dropped at the end."""
    name = f"test_{os.urandom(6).hex()}"
    password = os.urandom(16).hex()
    role, database = sql.Identifier(name), sql.Identifier(name)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        place = sql.Identifier(tablespace)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {} TABLESPACE {}").format(database, role, place))
        try:
            with psycopg.connect(with_database(superuser_url, name), autocommit=True) as inside:
                inside.execute("CREATE EXTENSION vector")
            yield with_database(superuser_url, name, user=f"{name}:{password}")
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


def with_database(url: str, database: str, user: str | None = None) -> str:
    """The same server's URL with another database, and with another user where one is given."""
    parts = urlsplit(url)
    old_user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user or old_user}@{host}", path=f"/{database}"))


@contextmanager
def embedder() -> Iterator[str]:
    """URL of the embedded embedding server on a free port of the loopback interface."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    cache = REPOSITORY / ".cache" / "embedder"
    cache.mkdir(parents=True, exist_ok=True)

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/api/version", timeout=5).is_success
        except httpx.TransportError:
            return False

    command = [sys.executable, "-m", "cocosearch.embedder", "--host", "127.0.0.1", "--port", str(port), "--cache-dir", str(cache)]
    with running(command, ready, EMBEDDER_DEADLINE_SECONDS, signal.SIGTERM):
        yield url
