"""From bytes to text."""

import os
import random
from pathlib import Path

import pytest

from cocosearch.indexing.sources.content import read_text
from cocosearch.indexing.sources.decoding import decode
from cocosearch.indexing.sources.listing import SkipReason

LIMIT = 100_000


def read(root: Path, data: bytes) -> str | SkipReason:
    (root / "file").write_bytes(data)
    return read_text(root, "file", LIMIT)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("é日本🎉".encode(), "é日本🎉"),
        (b"\xef\xbb\xbfmarked", "marked"),
        ("marked é".encode("utf-16"), "marked é"),
        (b"\xfe\xff" + "big end".encode("utf-16-be"), "big end"),
        (b"caf\xe9 \x93quoted\x94", "café “quoted”"),
        (b"one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        (b"a\fb\tc\x1b[0m\b", "a\fb\tc\x1b[0m\b"),
        (b"x" * 8192 + b"a\0b", "x" * 8192 + "ab"),
    ],
)
def test_text_is_read_in_the_encodings_of_source_code(tmp_path: Path, data: bytes, text: str) -> None:
    assert read(tmp_path, data) == text


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"text with a \0 in it",
        b"\x7fELF\x02\x01\x01\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xfeodd",
        b"\xff\xfe\x00\xd8",
        random.Random(2).randbytes(4096),  # noqa: S311 - bytes that can be made again
        bytes(byte for byte in random.Random(3).randbytes(4096) if byte),  # noqa: S311
    ],
)
def test_what_is_no_text_is_binary(tmp_path: Path, data: bytes) -> None:
    assert decode(data) is None
    assert read(tmp_path, data) is SkipReason.BINARY


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_of_space_is_empty(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data) is SkipReason.EMPTY


def test_a_file_that_grew_since_the_listing_is_too_large(tmp_path: Path) -> None:
    assert read(tmp_path, b"x" * LIMIT) == "x" * LIMIT
    assert read(tmp_path, b"x" * (LIMIT + 1)) is SkipReason.TOO_LARGE


def test_secrets_are_taken_out_of_the_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"token = '" + b"ghp_" + b"a1B2" * 9 + b"'") == "token = '[redacted]'"


def test_a_link_that_took_the_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to("../outside")
    assert read_text(root, "file", LIMIT) is SkipReason.SYMLINK


@pytest.mark.parametrize("target", ["../outside", "other"])
def test_a_directory_that_became_a_link_is_not_followed(tmp_path: Path, target: str) -> None:
    root = tmp_path / "root"
    for directory in (tmp_path / "outside/deep", root / "other/deep"):
        directory.mkdir(parents=True)
        (directory / "file").write_text("secret")
    (root / "directory").symlink_to(target)
    assert read_text(root, "directory/deep/file", LIMIT) is SkipReason.SYMLINK
    assert read_text(root, "other/deep/file", LIMIT) == "secret"


def test_a_way_out_of_the_root_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    for path in ("../outside", str(tmp_path / "outside")):
        assert read_text(root, path, LIMIT) is SkipReason.SYMLINK


def test_a_pipe_that_took_the_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "file")
    assert read_text(tmp_path, "file", LIMIT) is SkipReason.NOT_A_FILE


def test_a_directory_that_took_the_files_place_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    assert read_text(tmp_path, "file", LIMIT) is SkipReason.NOT_A_FILE


def test_a_file_of_somebody_else_is_unreadable_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("secret")
    (tmp_path / "file").chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        assert read_text(tmp_path, "file", LIMIT) is SkipReason.UNREADABLE
    finally:
        os.seteuid(user)


def test_a_file_that_vanished_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path, "file", LIMIT)
