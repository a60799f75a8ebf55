"""Telling the service manager, over real sockets."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from cocosearch.process.sdnotify import Watchdog, notify


def test_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify("READY=1") is False
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    assert notify("READY=1") is False


def test_a_socket_on_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        assert notify("READY=1\nSTATUS=größer") is True
        assert manager.recv(100) == "READY=1\nSTATUS=größer".encode()


def test_an_abstract_socket_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"cocosearch-test{tmp_path}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        assert notify("STOPPING=1") is True
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_out_of_reach_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError):
        notify("READY=1")


@pytest.mark.parametrize(
    ("variables", "fed"),
    [
        ({}, 0),
        ({"WATCHDOG_USEC": ""}, 0),
        ({"WATCHDOG_USEC": "x"}, 0),
        ({"WATCHDOG_USEC": "4000000"}, 3),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": str(os.getpid())}, 3),
    ],
)
def test_the_watchdog_is_fed_four_times_in_its_time(
    variables: dict[str, str], fed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    now = [0.0]
    monkeypatch.setattr("cocosearch.process.sdnotify.time", SimpleNamespace(monotonic=lambda: now[0]))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        watchdog = Watchdog()
        for _ in range(12):
            watchdog.feed()
            now[0] += 0.25
        received = []
        while True:
            try:
                received.append(manager.recv(100))
            except BlockingIOError:
                break
        assert received == [b"WATCHDOG=1"] * fed
