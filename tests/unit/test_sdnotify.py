"""Telling the service manager, over real sockets."""

import socket
from pathlib import Path

import pytest

from cocosearch.sdnotify import notify


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
