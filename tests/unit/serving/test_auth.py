import os
import stat
from pathlib import Path

import pytest

from cocosearch.errors import ConfigurationError
from cocosearch.serving.auth import create_token_file, load_tokens

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
