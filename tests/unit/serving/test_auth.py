import logging
import os
import re
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cocosearch.access.tokens import TokenFile, check_tokens, create_token_file, load_tokens, read_tokens, rotate_token_file
from cocosearch.errors import ConfigurationError

GOOD = "a" * 32
OTHER = "b" * 40


def written(path: Path, content: str, mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_every_line_is_a_token_and_comments_are_not(tmp_path: Path) -> None:
    tokens = load_tokens(written(tmp_path / "token", f"# old\n{GOOD}\n\n  {OTHER}  \n"))
    assert len(tokens) == 2
    assert tokens.match(GOOD) == 1
    assert tokens.match(OTHER) == 2


@pytest.mark.parametrize("presented", ["", GOOD[:-1], GOOD + "a", GOOD.upper(), "# old", "\ud800", "ä" * 32, GOOD + "\x00"])
def test_anything_else_is_no_token(tmp_path: Path, presented: str) -> None:
    assert load_tokens(written(tmp_path / "token", f"# old\n{GOOD}\n")).match(presented) is None


def test_tokens_do_not_show_in_repr(tmp_path: Path) -> None:
    assert GOOD not in repr(load_tokens(written(tmp_path / "token", GOOD)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"{GOOD}\n{'c' * 31}\n", "Line 2 .* has 31 characters"),
        ("", "holds no token"),
        ("# nothing\n\n", "holds no token"),
        (f"{GOOD} {GOOD}", "cannot be sent in a header"),
        ("ä" * 32, "not plain ASCII"),
        ("a" * 70_000, "larger than"),
    ],
)
def test_malformed_files_are_refused_without_quoting_them(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        load_tokens(written(tmp_path / "token", content))
    assert GOOD not in str(caught.value)
    assert "c" * 31 not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_files_open_to_others_are_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}.*chmod 600"):
        load_tokens(written(tmp_path / "token", GOOD, mode))


def test_a_systemd_credential_may_be_group_readable_but_only_in_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load_tokens(written(credentials / "token", GOOD, 0o440)).match(GOOD) == 1
    with pytest.raises(ConfigurationError, match="open to other users"):
        load_tokens(written(tmp_path / "token", GOOD, 0o440))
    link = credentials / "link"
    link.symlink_to(tmp_path / "token")
    with pytest.raises(ConfigurationError, match="open to other users"):
        load_tokens(link)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_tokens(tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        load_tokens(tmp_path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        load_tokens(tmp_path / "fifo")


def test_create_makes_a_private_random_token_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "token"
    assert create_token_file(path) is True
    first = path.read_text()
    assert len(first.strip()) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert create_token_file(path) is False
    assert path.read_text() == first
    assert [entry.name for entry in path.parent.iterdir()] == ["token"]
    other = tmp_path / "other"
    create_token_file(other)
    assert other.read_text() != first


def test_create_leaves_an_unusable_file_as_it_is_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "token", "short\n")
    with pytest.raises(ConfigurationError, match="Line 1"):
        create_token_file(path)
    assert path.read_text() == "short\n"


def test_create_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be created"):
        create_token_file(tmp_path / "file" / "token")


def replaced(path: Path, content: str) -> None:
    pending = written(path.with_name("pending"), content)
    pending.replace(path)


def test_a_changed_file_is_taken_up_whether_it_is_replaced_or_edited(tmp_path: Path) -> None:
    path = written(tmp_path / "token", GOOD)
    tokens = TokenFile(path)
    changes: list[Callable[[Path, str], object]] = [replaced, written] * 3
    for number, change in enumerate(changes):
        new = f"{number}" * 32
        change(path, new)
        assert tokens.current().match(new) == 1
        assert tokens.current().match(GOOD) is None


def test_an_edit_that_leaves_the_times_as_they_are_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of a file system ticks every few milliseconds; two writes in one tick look alike from outside."""
    path = written(tmp_path / "token", GOOD)
    status = path.stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    tokens = TokenFile(path)
    path.write_text(OTHER[:32])
    assert tokens.current().match(OTHER[:32]) == 1


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_text(""), "holds no token"),
        (lambda path: path.write_text("short"), "Line 1 .* has 5 characters"),
        (lambda path: path.chmod(0o644), "open to other users"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: (path.unlink(), path.mkdir()), "not a regular file"),
        (lambda path: [path.unlink(), subprocess.run(["mkfifo", "--mode=600", path], check=True)], "not a regular file"),
    ],
    ids=["empty", "short", "open", "missing", "directory", "fifo"],
)
def test_a_broken_file_leaves_the_tokens_in_force_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], object], says: str
) -> None:
    path = written(tmp_path / "token", GOOD)
    tokens = TokenFile(path)
    with caplog.at_level(logging.INFO):
        spoil(path)
        for _ in range(3):
            assert tokens.current().match(GOOD) == 1
        (said,) = caplog.messages
        assert re.search(f"the tokens read before stay valid: .*{says}", said)
        if path.is_dir():
            path.rmdir()
        replaced(path, OTHER)
        assert tokens.current().match(GOOD) is None
        assert tokens.current().match(OTHER) == 1
        assert "has changed: 1 tokens" in caplog.messages[-1]


def test_a_settled_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = TokenFile(written(tmp_path / "token", GOOD))
    future = time.time_ns() + 10_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: future)
    monkeypatch.setattr("cocosearch.access.tokens.load_tokens", lambda _: pytest.fail("the file was read again"))
    assert tokens.current().match(GOOD) == 1


def test_a_rotated_token_is_another_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    create_token_file(path)
    before = path.read_text().strip()
    rotate_token_file(path, keep=False)
    (after,) = read_tokens(path)
    assert after != before
    assert path.stat().st_mode & 0o777 == 0o600
    rotate_token_file(path, keep=True)
    assert read_tokens(path)[1:] == (after,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_what_is_no_token_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "token"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        rotate_token_file(path, keep=False)
    path.write_text("short\n")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="has 5 characters"):
        rotate_token_file(path, keep=False)
    assert path.read_text() == "short\n"


def test_a_file_for_somebody_else_is_judged_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("t" * 40 + "\n")
    path.chmod(0o644)
    assert check_tokens(path) == 1
    path.write_text("short\n")
    with pytest.raises(ConfigurationError, match="has 5 characters"):
        check_tokens(path)
