"""The indexer's process: it takes requests from the database and keeps every project's index as fresh as its files."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from types import FrameType

import psycopg

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.embeddings import forget_embeddings
from cocosearch.database.heartbeat import BEAT_SECONDS
from cocosearch.database.locks import indexer_is_running, try_indexer_lock
from cocosearch.database.migrations import check_migrated
from cocosearch.database.notifications import QUERIES, REQUESTS
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.embedding.pacing import Pacing
from cocosearch.embedding.proof import seconds_since_vector
from cocosearch.errors import CocosearchError, DatabaseUnavailableError, HeldUpError
from cocosearch.indexing.background import in_thread
from cocosearch.indexing.engine.children import Children
from cocosearch.indexing.indexer import Indexer
from cocosearch.indexing.pulse import Pulse
from cocosearch.process.sdnotify import Watchdog, notify
from cocosearch.settings import Settings

log = logging.getLogger(__name__)

LOCK_POLL_SECONDS = 1.0
RECONNECT_SECONDS = 1.0
CACHE_UNUSED_FOR = timedelta(days=60)
# The main loop's own statements are small: one that takes longer waits for somebody else, and the loop must not.
STATEMENT_TIMEOUT, LOCK_TIMEOUT = "20s", "2s"
EXIT_DIED, EXIT_INTERRUPTED = 1, 130


def run_indexer(settings: Settings, *, drain: bool = False) -> None:
    """Serve until SIGTERM; with `drain`, until nothing waits any more, and not at all where an indexer runs already.

    A database that goes away is waited for. The process ends as one: with its main thread, and with any other that nobody waits for.
    """
    # What is cut off is taken up by the next run, as after a kill. By its default action the signal ends the process whatever runs in it,
    # code that never lets Python handle one included; only a container's first process has no default action.
    signal.signal(signal.SIGTERM, _stop if os.getpid() == 1 else signal.SIG_DFL)
    threading.excepthook = _die_with
    try:
        hangs = _run(settings, drain=drain)
    except CocosearchError:
        raise  # before there was any thread
    except KeyboardInterrupt:
        os._exit(EXIT_INTERRUPTED)
    except BaseException:
        log.critical("the indexer cannot go on; its service starts it anew", exc_info=True)
        os._exit(EXIT_DIED)
    if hangs:
        log.warning("the work is done but for what hangs")
        os._exit(0)


def _run(settings: Settings, *, drain: bool) -> bool:
    """Serve, over and over again; returns whether some thread hangs."""
    pulse, serving = Pulse(Watchdog(), lambda: seconds_since_vector(settings)), False
    with Children() as children:
        while True:
            try:
                with connect(settings) as session:
                    check_migrated(session)
                    if drain and not try_indexer_lock(session):
                        return False
                    _wait_for_lock(session, pulse)
                    notify("READY=1")
                    serving = True
                    return _serve(settings, session, children, pulse, drain=drain)
            except (DatabaseUnavailableError, HeldUpError) as error:
                if drain and serving:
                    raise RuntimeError("the database was lost in the middle of the work") from error
                if drain:
                    raise
                log.warning("waiting for the database: %s", error)
                pulse.alive()
                time.sleep(RECONNECT_SECONDS)


def ensure_worker(settings: Settings) -> None:
    """Start an indexer that ends with its work, in a session of its own, unless one serves this database."""
    with connect(settings) as connection:
        if indexer_is_running(connection):
            return
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.state_dir / "indexer.log").open("ab") as output:
        # Forked once more by setsid(1), so that it is init's child: nobody here would ever wait for it.
        subprocess.run(
            ["setsid", "--fork", sys.executable, "-m", "cocosearch", "indexer", "--drain"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=True,
        )


def _stop(_signal: int, _frame: FrameType | None) -> None:
    os._exit(0)


def _die_with(died: threading.ExceptHookArgs) -> None:
    """A thread that nobody waits for has died: better no process than a part of one."""
    log.critical(
        "the thread %s died; the indexer's service starts it anew",
        died.thread,
        exc_info=died.exc_value or True,
    )
    os._exit(EXIT_DIED)


def _wait_for_lock(session: Connection, pulse: Pulse) -> None:
    while not try_indexer_lock(session):
        log.info("another indexer serves this database; waiting for it to end")
        pulse.alive()
        time.sleep(LOCK_POLL_SECONDS)


def _serve(settings: Settings, session: Connection, children: Children, pulse: Pulse, *, drain: bool) -> bool:
    """Returns, with `drain`, once nothing waits any more; whether some thread hangs."""
    session.execute(
        "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)", [STATEMENT_TIMEOUT, LOCK_TIMEOUT]
    )
    session.execute(f"LISTEN {REQUESTS}")
    session.execute(f"LISTEN {QUERIES}")
    log.info("serving")
    in_thread(lambda: _forget(settings), "forget")
    with OllamaClient(settings) as client:
        indexer = Indexer(settings, session, client, Pacing(settings.embed_batch), children, pulse)
        while True:
            indexer.turn()
            if drain and indexer.is_idle():
                return indexer.something_hangs()
            for notification in session.notifies(timeout=min(indexer.pause(), BEAT_SECONDS), stop_after=1):
                if notification.channel == QUERIES:
                    indexer.pacing.query_announced()


def _forget(settings: Settings) -> None:
    """Clean the cache, beside the work: among millions of vectors that takes its time."""
    try:
        with connect(settings) as connection:
            log.info("forgot %s unused embeddings", forget_embeddings(connection, CACHE_UNUSED_FOR))
    except (DatabaseUnavailableError, HeldUpError, psycopg.Error) as error:
        log.warning("unused embeddings were not forgotten; the next start tries again: %s", error)
