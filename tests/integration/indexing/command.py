"""The command `cocosearch` in a process of its own, as a user or a unit runs it."""

import os
import subprocess
import sys

from cocosearch.settings import PREFIX, Settings

DEADLINE_SECONDS = 180


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a process with these settings, and no others of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return inherited | {
        "COCOSEARCH_DATABASE_URL": settings.database_url,
        "COCOSEARCH_OLLAMA_URL": settings.ollama_url,
        "COCOSEARCH_MODEL": settings.model,
        "COCOSEARCH_STATE_DIR": str(settings.state_dir),
    }


def start(settings: Settings, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Begin a command, with more variables in its environment; its output is piped."""
    return subprocess.Popen(
        [sys.executable, "-m", "cocosearch", *arguments],
        env=environment(settings) | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(settings: Settings, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with more variables in its environment."""
    process = start(settings, *arguments, **variables)
    output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
