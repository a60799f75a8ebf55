"""Opening files below a directory: no link, no race leads out of it."""

import contextlib
import ctypes
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocosearch.files import beneath
from cocosearch.files.beneath import NotAFileError, directory, open_directory, read_file, status
from cocosearch.indexing.sources.content import read_text
from cocosearch.indexing.sources.listing import SkipReason, list_files
from cocosearch.projects import load_project
from cocosearch.settings import Settings

OUTSIDE = "word_from_outside"
EXCHANGE = """
import ctypes, os, sys, time
libc, one, other, end = ctypes.CDLL(None), sys.argv[1].encode(), sys.argv[2].encode(), time.monotonic() + float(sys.argv[3])
while time.monotonic() < end:
    assert libc.renameat2(-100, one, -100, other, 2) == 0
    pause = time.perf_counter() + 0.00003
    while time.perf_counter() < pause:
        pass
"""


@pytest.fixture(params=[True, False], ids=["openat2", "by parts"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to open: by openat2, and one directory after the other."""
    if request.param and not beneath.has_openat2():
        pytest.skip("this kernel has no openat2")
    monkeypatch.setattr(beneath, "has_openat2", lambda: request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "d/e").mkdir(parents=True)
    (root / "d/e/f.py").write_text("inside\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/f.py").write_text(f"{OUTSIDE}\n")
    (root / "link").symlink_to("d/e/f.py")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "fifo")
    return root


@pytest.mark.usefixtures("way")
def test_what_lies_below_is_read(root: Path) -> None:
    with directory(root) as base:
        assert read_file(base, "d/e/f.py", 100) == b"inside\n"
        assert read_file(base, "d/e/f.py", 3) == b"insi"
        os.close(open_directory(base, ""))
        os.close(open_directory(base, "d/e"))
        for path in ("d", "d/e/f.py", "link"):
            assert status(base, path) is not None
        assert status(base, "d/nothing") is None
        assert status(base, "out/f.py") is None


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", ["link", "out/f.py", "up/outside/f.py", "loop", "out", "loop/f.py"])
def test_no_link_is_followed(root: Path, path: str) -> None:
    with directory(root) as base:
        with pytest.raises(OSError, match="symbolic links") as caught:
            read_file(base, path, 100)
        assert caught.value.errno == errno.ELOOP


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", ["../outside/f.py", "d/../../outside/f.py", "/etc/passwd", "d\0", ".."])
def test_no_path_leads_out(root: Path, path: str) -> None:
    with directory(root) as base, pytest.raises(OSError, match="Not a path below"):
        read_file(base, path, 100)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("path", ["d", "fifo"])
def test_what_is_no_file_is_not_read_and_not_waited_for(root: Path, path: str) -> None:
    with directory(root) as base, pytest.raises(NotAFileError):
        read_file(base, path, 100)


@pytest.mark.usefixtures("way")
def test_a_device_is_not_read() -> None:
    with directory(Path("/dev")) as base, pytest.raises(NotAFileError):
        read_file(base, "zero", 100)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("where", ["out", "up/outside", "loop"])
def test_a_directory_behind_a_link_is_none(root: Path, where: str) -> None:
    with pytest.raises(OSError, match="symbolic links"), directory(root / where):
        pass


@pytest.mark.usefixtures("way")
def test_no_descriptor_is_left_open(root: Path) -> None:
    def read_everything() -> None:
        for path in ("d/e/f.py", "link", "out/f.py", "fifo", "d", "nothing/x", "loop", ".."):
            with directory(root) as base:
                with contextlib.suppress(OSError):
                    read_file(base, path, 100)
                status(base, path)
        list_files(load_project(root), Settings())

    read_everything()
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_everything()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_filter_that_does_not_know_openat2_is_no_obstacle(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        @staticmethod
        def syscall(*_: object) -> int:
            ctypes.set_errno(errno.EPERM)
            return -1

    monkeypatch.setattr(beneath, "_libc", Libc)
    monkeypatch.setattr(beneath, "has_openat2", beneath.has_openat2.__wrapped__)
    with directory(root) as base:
        assert read_file(base, "d/e/f.py", 100) == b"inside\n"


@pytest.fixture
def swapped(root: Path) -> Iterator[Path]:
    """A project whose directory `d` and a link to a directory outside change places all the time."""
    for name in ("d", "../outside"):
        for number in range(40):
            (root / name / f"f{number}.py").write_text(f"{OUTSIDE if '..' in name else 'inside'}_{number} = 1\n")
    (root / "../outside/only_there.py").write_text("x\n")
    program = [sys.executable, "-c", EXCHANGE, str(root / "d"), str(root / "out"), "60"]
    with subprocess.Popen(program, stdin=subprocess.DEVNULL) as swapper:
        while not (root / "d").is_symlink():
            time.sleep(0.001)
        yield root
        assert swapper.poll() is None, "it swaps still"
        swapper.kill()


@pytest.mark.usefixtures("way")
def test_a_directory_swapped_for_a_link_while_it_is_read_leads_nowhere(swapped: Path) -> None:
    seen = {True: 0, False: 0}
    end = time.monotonic() + 20
    while (min(seen.values()) < 100) and time.monotonic() < end:
        for number in range(40):
            try:
                text = read_text(swapped, f"d/f{number}.py", 1000)
            except (FileNotFoundError, NotADirectoryError):
                continue
            assert OUTSIDE not in text
            seen[isinstance(text, SkipReason)] += 1
    assert min(seen.values()) > 0, "both were met: the directory and the link"


@pytest.mark.usefixtures("way")
def test_a_directory_swapped_for_a_link_while_it_is_listed_leads_nowhere(swapped: Path) -> None:
    project = load_project(swapped)
    seen = {True: 0, False: 0}
    end = time.monotonic() + 20
    while (min(seen.values()) < 20) and time.monotonic() < end:
        files = {file.path for file in list_files(project, Settings()).files}
        assert not any("only_there" in path for path in files)
        seen["d/f1.py" in files] += 1
    assert min(seen.values()) > 0, "both were met: the directory and the link"


def test_a_configuration_swapped_for_a_link_is_not_read_through_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.yaml").write_text("name: outside\n")
    (root / "cocosearch.yaml").symlink_to(tmp_path / "outside.yaml")
    (root / "real.yaml").write_text("name: inside\n")
    stop = threading.Event()

    def swap() -> None:
        libc = ctypes.CDLL(None)
        while not stop.is_set():
            libc.renameat2(-100, bytes(root / "cocosearch.yaml"), -100, bytes(root / "real.yaml"), 2)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        names = set()
        for _ in range(3000):
            try:
                names.add(load_project(root).name)
            except Exception as error:  # noqa: BLE001 - each must be the sentence
                assert "symbolic link" in str(error)  # noqa: PT017
    finally:
        stop.set()
        thread.join()
    assert names == {"inside"}
