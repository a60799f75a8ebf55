"""Every test sees an environment without settings of the machine, or habits of the shell, that it runs on."""

import os

import pytest

from cocosearch.settings import PREFIX


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
