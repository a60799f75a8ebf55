"""Every test sees an environment without settings of the machine, or habits of the shell, that it runs on."""

import os
import signal

import pytest

from cocosearch.settings import PREFIX


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def pytest_configure() -> None:
    """Let an interruption reach the programs that are tested: a shell that starts the tests in the background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
